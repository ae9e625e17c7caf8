"""An operation of the contract: where it is, who may call it, in which dialect it refuses."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.roles import Role
from topcoat.flows import Flows
from topcoat.flows.instances import Instance
from topcoat.surfaces import answers, permissions
from topcoat.surfaces.access import Access, Principal
from topcoat.surfaces.customer_insights import problems


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose caller is known; `instance` is empty, `opened` and `access` filled where none is addressed."""

    request: Request
    flows: Flows
    principal: Principal
    instance: str = ""
    opened: Sequence[Instance] = ()
    access: Access | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """Paths are relative to `/{prefix}/instances`, the documented spelling first.

    Refusals of `is_data` are ODataErrors; the bad input of `is_parsed` is a ParsingError.
    """

    id: str
    method: str
    paths: tuple[str, ...]
    answer: Callable[[Call], Awaitable[Response]]
    is_data: bool = False
    needs_key: bool = True
    is_parsed: bool = False
    shown_path: str | None = None
    summary: str | None = None
    responses: dict[int | str, dict[str, Any]] = field(default_factory=dict)
    documentation: dict[str, Any] = field(default_factory=dict)

    @property
    def role(self) -> Role:
        """The lowest that may call it; raise `LookupError` where the table of permissions has no entry."""
        return permissions.needed_role(self.id)

    def render(self, error: errors.TopcoatError) -> Response:
        if self.is_parsed:
            return problems.parsing_problem(error)
        return problems.odata_problem(error) if self.is_data else problems.api_problem(error)


def answers_with(status: int, model: Any, description: str) -> dict[int | str, dict[str, Any]]:
    """A documented answer; a model of None is an empty body."""
    return {status: {"description": description} if model is None else {"model": model, "description": description}}


def parameter(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """A documented query parameter."""
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string"} | schema}


def request_body(schema: Mapping[str, Any], *, is_required: bool = True) -> dict[str, Any]:
    """A documented JSON body."""
    return {"requestBody": {"required": is_required, "content": {answers.JSON: {"schema": schema}}}}


def reference(model: type[BaseModel]) -> dict[str, str]:
    """The schema of a model that some answer has as well."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}
