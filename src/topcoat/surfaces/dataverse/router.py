"""The Dataverse Web API: the default instance under `/api/data/v9.2`, any under `/dataverse/{instanceId}/…`."""

import uuid
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import structlog
from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.odata import address as addresses
from topcoat.flows import Flows
from topcoat.settings import Settings
from topcoat.surfaces import answers, limits, permissions, usage
from topcoat.surfaces.access import Access, Principal, check_role
from topcoat.surfaces.dataverse import batch, dispatch, names, problems
from topcoat.surfaces.dataverse.call import Call
from topcoat.surfaces.dataverse.preferences import read_preferences
from topcoat.surfaces.origin import origin_of

ROOT: Final = "/api/data/v9.2"
log: structlog.stdlib.BoundLogger = structlog.get_logger()
READING: Final = "Get-entities-with-OData-path"
METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE")


def add_dataverse(app: FastAPI, settings: Settings) -> None:
    async def endpoint(request: Request) -> Response:
        response: Response | None = None
        try:
            response = await _respond(request, takes_writes=settings.dataverse_writes)
            return response
        finally:
            await limits.end(request, response)

    for prefix in ("", "/dataverse/{instanceId}"):
        for rest in ("", "/{rest:path}"):
            app.add_api_route(
                f"{prefix}{ROOT}{rest}",
                endpoint,
                methods=list(METHODS),
                operation_id="Dataverse-Web-API",
                include_in_schema=False,
            )


def is_own(path: str) -> bool:
    """Whether who calls it expects Dataverse, of another version or with its search."""
    return path.startswith(("/api/data/", "/api/search/", "/dataverse/"))


def answer_unrouted(error: errors.TopcoatError) -> Response:
    return problems.problem(error)


async def _respond(request: Request, *, takes_writes: bool) -> Response:
    try:
        call = await _admitted(request, takes_writes=takes_writes)
        response = await (batch.answer(call) if batch.is_batch(call) else dispatch.answer(call))
    except errors.TopcoatError as error:
        usage.notes_of(request.scope).error = error.code
        response = problems.problem(error)
    except ClientDisconnect:
        raise
    except Exception:  # the edge of the surface: its callers read no other envelope
        log.exception("call_failed")
        usage.notes_of(request.scope).error = answers.UNEXPECTED
        response = problems.unexpected_problem()
    response.headers["OData-Version"] = "4.0"
    response.headers["x-ms-service-request-id"] = str(uuid.uuid4())
    return response


async def _admitted(request: Request, *, takes_writes: bool) -> Call:
    """The call of a caller who is known and may read."""
    flows: Flows = request.app.state.flows
    instance, principal = await _entered(request, flows, request.path_params.get("instanceId", "").lower())
    usage.notes_of(request.scope).caller = principal.name
    await limits.begin(request, instance=instance, principal=principal.name, subscription_key="")
    check_role(principal, permissions.needed_role(READING))
    outlook = await flows.query.look(instance)
    root, path = _split(request.scope)
    query = addresses.ascii_query(request.scope["query_string"])
    return Call(
        flows=flows,
        principal=principal,
        instance=instance,
        tables=names.list_tables(outlook.catalog),
        method=request.method,
        address=f"{origin_of(request)}{root}",
        path=path,
        query=query,
        items=addresses.parse_query_string(query),
        headers=request.headers,
        body=await request.body(),
        preferences=read_preferences(request.headers.getlist("prefer")),
        now=outlook.now,
        refreshed_at=outlook.refreshed_at,
        takes_writes=takes_writes,
    )


async def _entered(request: Request, flows: Flows, instance: str) -> tuple[str, Principal]:
    """The instance that is addressed, and the caller, who is known by token alone; to strangers nothing is told."""
    access: Access = request.app.state.access
    if not instance:
        await access.authenticate(request.headers, flows.permissions)
        instance = await flows.instances.get_default()
    return instance, await access.authenticate_for(request.headers, instance, flows.permissions, needs_key=False)


def _split(scope: Any) -> tuple[str, str]:
    """The address of this API, and what follows it: `path` no longer tells a slash from `%2F`."""
    root, _, rest = scope["raw_path"].decode("ascii", "replace").partition(ROOT)
    try:
        return f"{root}{ROOT}", unquote_to_bytes(rest.removeprefix("/")).decode()
    except UnicodeDecodeError:
        raise errors.AddressNotFound(method=scope["method"], path="an address that is not UTF-8") from None
