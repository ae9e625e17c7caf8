"""The emulated REST API: one set of operations under two prefixes."""

import re
from collections.abc import Awaitable, Callable, Coroutine
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from topcoat.core import errors
from topcoat.flows import Flows
from topcoat.surfaces import answers, limits, usage
from topcoat.surfaces.access import KEY_HEADER, Access, Principal, check_role
from topcoat.surfaces.customer_insights import (
    api_usage,
    changes,
    data,
    data_profiles,
    data_sources,
    documentation,
    hierarchies,
    instances,
    measures,
    problems,
    profile,
    profile_store,
    reconciliation,
    relationships,
    roles,
    search,
    segments,
    subscription_keys,
    tables,
    workflows,
)
from topcoat.surfaces.customer_insights.operation import Call, Operation

PREFIXES: Final = ("/api", "/v1")
DOCUMENTED_PREFIX: Final = "/api"
# The hot ones first.
OPERATIONS: Final = (
    *data.OPERATIONS,
    *tables.OPERATIONS,
    *profile.OPERATIONS,
    *instances.OPERATIONS,
    *data_sources.OPERATIONS,
    *data_profiles.OPERATIONS,
    *roles.OPERATIONS,
    *subscription_keys.OPERATIONS,
    *search.OPERATIONS,
    *relationships.OPERATIONS,
    *hierarchies.OPERATIONS,
    *profile_store.OPERATIONS,
    *changes.OPERATIONS,
    *reconciliation.OPERATIONS,
    *workflows.OPERATIONS,
    *api_usage.OPERATIONS,
    *segments.OPERATIONS,
    *measures.OPERATIONS,
)
_OWN_PATH: Final = re.compile(r"(?:/api|/v1)/instances(?:/(?P<instance>[^/]*)(?P<rest>/.*)?)?", re.DOTALL)

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class OperationRoute(APIRoute):
    """Documented like any other route, but its endpoint answers by itself: nothing to inject, nothing to validate."""

    def get_route_handler(self) -> Endpoint:
        endpoint: Endpoint = self.endpoint
        return endpoint


def add_customer_insights(app: FastAPI, access: Access) -> None:
    """Its routes come before all others, FastAPI's own included: routes are tried in order, and reads are many."""
    app.state.access = access
    app.router.routes[:0] = build_routes()


@cache
def build_routes() -> list[BaseRoute]:
    """The same for every application of a process, because documenting them takes long."""
    routes: list[BaseRoute] = []
    for operation in OPERATIONS:
        endpoint = _endpoint(operation)
        for path in operation.paths:
            routes += [_route(operation, endpoint, prefix, path) for prefix in PREFIXES]
    return routes


def list_quick_routes(app: FastAPI) -> list[APIRoute]:
    """Those of the real-time part."""
    quick = {operation.id for operation in data.OPERATIONS}
    return [route for route in app.routes if isinstance(route, OperationRoute) and route.operation_id in quick]


def is_own(path: str) -> bool:
    return _OWN_PATH.fullmatch(path) is not None


async def answer_unrouted(request: Request, error: errors.TopcoatError) -> Response:
    """Refuse an address or a method of this API that does not exist: to strangers nothing is told."""
    own = _OWN_PATH.fullmatch(request.scope["path"])
    assert own is not None  # see is_own
    render = problems.odata_problem if (own["rest"] or "").startswith("/data") else problems.api_problem
    try:
        await _admitted(request, (own["instance"] or "").lower())
    except errors.TopcoatError as refusal:
        error = refusal
    usage.notes_of(request.scope).error = error.code
    response = render(error)
    await limits.end(request, response)
    return response


def _route(operation: Operation, endpoint: Endpoint, prefix: str, path: str) -> OperationRoute:
    is_documented = prefix == DOCUMENTED_PREFIX and path == operation.paths[0]
    shown_path = f"{prefix}/instances{operation.shown_path or path}"
    route = OperationRoute(
        f"{prefix}/instances{path}",
        endpoint,
        methods=[operation.method],
        name=operation.id,
        operation_id=operation.id,
        summary=operation.summary,
        tags=["Customer Insights"],
        include_in_schema=is_documented,
        response_model=None,
        response_class=documentation.class_of(operation),
        status_code=documentation.success_of(operation),
        responses=documentation.responses_of(operation) if is_documented else {},
        openapi_extra=documentation.extra_of(operation, shown_path) if is_documented else None,
    )
    route.path_format = shown_path
    return route


def _endpoint(operation: Operation) -> Endpoint:
    """Authentication, then role, then the operation itself, which judges what exists."""
    answer: Callable[[Call], Awaitable[Response]] = operation.answer
    needed = operation.role

    async def respond(request: Request) -> Response:
        try:
            instance = request.path_params.get("instanceId", "").lower()
            call = await _admitted(request, instance, needs_key=operation.needs_key)
            check_role(call.principal, needed)
            if not request.scope["path"].endswith("/$count"):  # which is a number, in plain text
                answers.check_accepts_json(request.headers)
            return await answer(call)
        except errors.TopcoatError as error:
            usage.notes_of(request.scope).error = error.code
            return operation.render(error)

    async def endpoint(request: Request) -> Response:
        response: Response | None = None
        try:
            response = await respond(request)
            return response
        finally:
            await limits.end(request, response)

    return endpoint


async def _admitted(request: Request, instance: str, *, needs_key: bool = True) -> Call:
    flows: Flows = request.app.state.flows
    access: Access = request.app.state.access
    if not instance:
        principal, opened = await access.list_opened(request.headers, flows.instances, flows.permissions)
        await _count(request, instance, principal)
        return Call(request, flows, principal, opened=opened, access=access)
    principal = await access.authenticate_for(request.headers, instance, flows.permissions, needs_key=needs_key)
    await _count(request, instance, principal)
    return Call(request, flows, principal, instance)


async def _count(request: Request, instance: str, principal: Principal) -> None:
    usage.notes_of(request.scope).caller = principal.name
    key = request.headers.get(KEY_HEADER, "")
    await limits.begin(request, instance=instance, principal=principal.name, subscription_key=key)
