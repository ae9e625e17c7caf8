"""Where stories are told: a service with Contoso Coffee, the published client, and the contract that judges both."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.contract import contract
from tests.contract.installation import Installation, Server, headers
from tests.contract.published_client import Outcome, PublishedClient
from tests.contract.relay import Exchange, Relay, open_relay

TOO_MANY_CALLS: Final = 429


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is what was on the wire, `value` what the client made of it, unless it raised."""

    operation: contract.Operation
    arguments: dict[str, Any]
    target: str
    status: int
    body: Any
    type: str | None
    value: Any
    raised: str | None


@dataclass(slots=True)
class Stage:
    installation: Installation
    server: Server
    relay: Relay
    client: PublishedClient
    python: Path
    beside: ExitStack
    answers: list[Answer] = field(default_factory=list)
    """Of the story that is being told."""
    limited: "Stage | None" = None

    def exhausted(self, role: str) -> "Stage":
        """The same installation behind a service that limits calls, where a role has none left for a while."""
        if self.limited is None:
            self.limited = self.beside.enter_context(
                open_stage(self.installation, self.python, "--limits", "connector")
            )
            self.limited.answers = self.answers
        with self.limited.server.client(role) as caller:
            while caller.get("/data/Customer/$count").status_code != TOO_MANY_CALLS:
                pass
        return self.limited

    def call(
        self,
        operation_id: str,
        *,
        role: str = "administrator",
        sent: dict[str, str] | None = None,
        undeclared: int | None = None,
        **arguments: Any,
    ) -> Answer:
        """Call as the published client does, on the sample instance unless `instance_id` says otherwise.

        Request and answer are held against the contract. A status that it does not declare for the operation has to be
        expected by name: `undeclared=403`. `sent` replaces the headers that authenticate.
        """
        operation = contract.OPERATIONS[operation_id]
        self.relay.take()
        outcome = self.client.call(
            operation.client_method, sent=headers(role) if sent is None else sent, raw=True, **arguments
        )
        exchanges = self.relay.take()
        assert exchanges, f"the client sent nothing: {outcome}"
        answer = _answer(operation, arguments, exchanges[-1], outcome)
        complaints = [*_list_complaints(answer, exchanges, undeclared), *_list_complaints_of_client(answer)]
        return self._kept(answer, complaints)

    def send(self, operation_id: str, query: str = "", body: bytes = b"", *, role: str = "administrator") -> Answer:
        """Send what the published client would not, a query parameter of a wrong type for one, to the same address
        as the last call of the operation."""
        last = next(answer for answer in reversed(self.answers) if answer.operation.id == operation_id)
        address = f"{self.relay.url}{urlsplit(last.target).path}?{query}"
        httpx.request(last.operation.method, address, content=body, headers=headers(role), trust_env=False)
        exchanges = self.relay.take()
        answer = _answer(last.operation, last.arguments, exchanges[-1], Outcome())
        return self._kept(answer, [*_list_complaints(answer, exchanges, None)])

    def _kept(self, answer: Answer, complaints: list[str]) -> Answer:
        assert not complaints, "\n".join((f"{answer.operation.id}: {answer.target}: {answer.body}", *complaints))
        self.answers.append(answer)
        return answer


@contextmanager
def open_stage(installation: Installation, python: Path, *options: str) -> Iterator[Stage]:
    """On a published sample; `python` is that of the published client's environment."""
    server = installation.serve(*options)
    with ExitStack() as beside, open_relay(server.url) as relay, PublishedClient(python, relay.url) as client:
        yield Stage(installation, server, relay, client, python, beside)


def _answer(operation: contract.Operation, arguments: dict[str, Any], exchange: Exchange, outcome: Outcome) -> Answer:
    return Answer(
        operation=operation,
        arguments=arguments,
        target=exchange.target,
        status=exchange.status,
        body=json.loads(exchange.answer) if exchange.answer else None,
        type=outcome.type,
        value=outcome.value,
        raised=outcome.raised,
    )


def _list_complaints(answer: Answer, exchanges: list[Exchange], undeclared: int | None) -> Iterator[str]:
    operation = answer.operation
    if len(exchanges) > 1:
        yield f"the client tried {len(exchanges)} times"
    yield from operation.list_complaints(exchanges[-1].method, answer.target)
    if undeclared is not None:
        if answer.status != undeclared or undeclared in operation.answers:
            yield f"expected {undeclared} as a status that is not declared, answered {answer.status}"
        return
    if answer.status not in operation.answers:
        yield f"status {answer.status} is not declared; expected one of {sorted(operation.answers)}"
        return
    type_ = operation.answers[answer.status]
    if type_ is not None and answer.body is not None:
        yield from contract.list_misfits(answer.body, type_)


def _list_complaints_of_client(answer: Answer) -> Iterator[str]:
    """It reads a declared status without raising, as what is declared for it; what has no body is None to it."""
    if answer.status not in answer.operation.answers:
        return
    type_ = answer.operation.answers[answer.status]
    expected = contract.client_type(None if answer.body is None else type_)
    if answer.raised is not None:
        yield f"the client raised {answer.raised}: {answer.value}"
    elif answer.type != expected:
        yield f"the client made {answer.type} of it, declared {expected}"
