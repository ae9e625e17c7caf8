"""What a story is, and what holds for each of them; `stories/__init__.py` says how to write one."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.contract import contract, stories
from tests.contract.installation import INSTANCE_ID
from tests.contract.stage import Answer, Stage

STRANGER: Final = INSTANCE_ID[:-1] + "2"
NOT_AUTHENTICATED, NOT_FOUND = 401, 404
# What a service answers when something broke in it.
_FAILURES: Final = frozenset({500, 503})


@dataclass(frozen=True, slots=True)
class Story:
    operation: contract.Operation
    act: Callable[[Stage], None]
    uncaused: Mapping[int, str]
    differs: str | None

    @property
    def place(self) -> str:
        return f"{self.act.__module__.rpartition('.')[2]}.py::{self.act.__name__}"


@dataclass(frozen=True, slots=True)
class Told:
    """What came out of one operation's story."""

    operation: contract.Operation
    story: Story
    statuses: frozenset[int]
    unfilled: list[str]


_STORIES: Final[dict[str, Story]] = {}


def story(
    operation_id: str, *, uncaused: Mapping[int, str] | None = None, differs: str | None = None
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Make a function the story of an operation.

    `uncaused` has the declared statuses that no caller can cause, each with the reason; `differs` says in a clause how
    Topcoat's operation is not quite the vendor's.
    """

    def register(act: Callable[[Stage], None]) -> Callable[[Stage], None]:
        assert operation_id not in _STORIES, f"{operation_id} has two stories"
        _STORIES[operation_id] = Story(contract.OPERATIONS[operation_id], act, uncaused or {}, differs)
        return act

    return register


def collect() -> dict[str, Story]:
    """The stories of all modules beside this one's, by operation."""
    for module in pkgutil.iter_modules(stories.__path__):
        importlib.import_module(f"{stories.__name__}.{module.name}")
    return _STORIES


def tell(stage: Stage, operation: contract.Operation) -> Told:
    """Tell the story, then try its first successful call as a stranger and on an instance that does not exist."""
    told = collect()[operation.id]
    stage.answers.clear()
    told.act(stage)
    answers = list(stage.answers)
    own = [answer for answer in answers if answer.operation is operation]
    successes = [answer for answer in own if answer.status < 300]
    assert successes, f"{told.place} never calls {operation.id} with success"
    refusals = [_refused_without_token(stage, successes[0]), *_refused_elsewhere(stage, successes[0])]
    complaints = [*_list_omissions(told, answers, own)]
    assert not complaints, "\n".join((told.place, *complaints))
    bodies = [answer.body for answer in successes if answer.body is not None]
    success = min(status for status in operation.answers if status < 300)
    return Told(
        operation,
        told,
        frozenset(answer.status for answer in (*own, *refusals)),
        contract.list_unfilled(bodies, operation.answers[success]) if bodies else [],
    )


def _refused_without_token(stage: Stage, success: Answer) -> Answer:
    answer = stage.call(success.operation.id, sent={}, **success.arguments)
    assert answer.status == NOT_AUTHENTICATED, answer
    return answer


def _refused_elsewhere(stage: Stage, success: Answer) -> Iterator[Answer]:
    """S33; not every operation that addresses an instance declares the 404."""
    operation = success.operation
    if "instanceId" not in operation.path_parameters:
        return
    undeclared = None if NOT_FOUND in operation.answers else NOT_FOUND
    arguments = success.arguments | {"instance_id": STRANGER}
    answer = stage.call(operation.id, role="owner", undeclared=undeclared, **arguments)
    assert answer.status == NOT_FOUND, answer
    yield answer


def _list_omissions(told: Story, answers: list[Answer], own: list[Answer]) -> Iterator[str]:
    """What a story leaves out: declared statuses, query parameters, the look at what became of it all."""
    operation = told.operation
    due = set(operation.answers) - _FAILURES - {NOT_AUTHENTICATED} - set(told.uncaused)
    if operation.path_parameters == ["instanceId"]:
        due.discard(NOT_FOUND)
    statuses = {answer.status for answer in own}
    yield from (f"status {status} is declared and never caused" for status in sorted(due - statuses))
    yield from (f"status {status} is caused after all" for status in sorted(statuses & set(told.uncaused)))
    sent = set().union(*(contract.sent_query(answer.target) for answer in own))
    yield from (f"query parameter {name} is never sent" for name in sorted(operation.query - sent))
    if operation.method != "GET" and not any(
        later.operation is not operation for later in answers[answers.index(_first_success(own)) :]
    ):
        yield "no other operation is asked what became of it"


def _first_success(own: list[Answer]) -> Answer:
    return next(answer for answer in own if answer.status < 300)
