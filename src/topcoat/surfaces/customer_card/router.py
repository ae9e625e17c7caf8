"""The customer card: what it reads, what tells it to read again, and the files it consists of."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.odata import address as addresses
from topcoat.core.roles import Role
from topcoat.flows import Flows
from topcoat.settings import Settings
from topcoat.surfaces import limits, permissions, usage
from topcoat.surfaces.access import Access, check_role
from topcoat.surfaces.customer_card import customer_page, events, origins, problems, profiles, search_page, timelines
from topcoat.surfaces.customer_card.call import Call
from topcoat.surfaces.customer_card.origins import Origins
from topcoat.surfaces.pages import files
from topcoat.surfaces.pages.views import Answer as PageAnswer
from topcoat.surfaces.pages.views import Pages

PREFIX: Final = "/card"
API: Final = f"{PREFIX}/api/{{instanceId}}"
_HERE: Final = Path(__file__).parent

Answer = Callable[[Call], Awaitable[Response]]


def add_customer_card(app: FastAPI, settings: Settings) -> None:
    allowed = origins.origins_of(settings)
    answers: dict[str, tuple[str, Answer]] = {
        "profile": ("Card-profile", profiles.read_profile),
        "timeline": ("Card-timeline", timelines.read_timeline),
        "events": ("Card-events", events.follow_profile),
    }
    for path, (operation, answer) in answers.items():
        endpoint = _endpoint(answer, permissions.needed_role(operation), allowed)
        app.add_api_route(f"{API}/{path}", endpoint, operation_id=operation, include_in_schema=False)
    app.add_api_route(
        f"{API}/{{rest:path}}",
        _preflight(allowed),
        methods=["OPTIONS"],
        operation_id="Card-preflight",
        include_in_schema=False,
    )
    static = files.read_folder(_HERE / "static")
    files.add_files(app, PREFIX, static, "Card-file", allowed.headers)
    _add_pages(app, Pages(settings, _HERE / "templates", allowed.frame_ancestors), list(static))


def _add_pages(app: FastAPI, pages: Pages, names: Sequence[str]) -> None:
    """Behind the files, whose addresses would be those of instances."""
    modules = [name for name in names if name.endswith(".js") and "/" not in name]
    shown: dict[str, tuple[str, PageAnswer]] = {
        "/{instanceId}": ("Card-search", search_page.show_search),
        "/{instanceId}/{customerId:path}": ("Card-page", customer_page.showing_customers(modules)),
    }
    for path, (operation, answer) in shown.items():
        endpoint = pages.endpoint(answer, permissions.needed_role(operation))
        app.add_api_route(f"{PREFIX}{path}", endpoint, operation_id=operation, include_in_schema=False)


def _preflight(allowed: Origins) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return Response(status_code=204, headers=allowed.preflight(request.headers))

    return endpoint


def _endpoint(answer: Answer, needed: Role, allowed: Origins) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        response: Response | None = None
        try:
            response = await _respond(request, answer, needed)
            response.headers.update(allowed.headers(request.headers))
            return response
        finally:
            await limits.end(request, response)

    return endpoint


async def _respond(request: Request, answer: Answer, needed: Role) -> Response:
    try:
        return await answer(await _admitted(request, needed))
    except errors.TopcoatError as error:
        usage.notes_of(request.scope).error = error.code
        return problems.problem(error)


async def _admitted(request: Request, needed: Role) -> Call:
    """By token alone, as on Dataverse."""
    flows: Flows = request.app.state.flows
    access: Access = request.app.state.access
    instance = request.path_params["instanceId"].lower()
    principal = await access.authenticate_for(request.headers, instance, flows.permissions, needs_key=False)
    usage.notes_of(request.scope).caller = principal.name
    await limits.begin(request, instance=instance, principal=principal.name, subscription_key="")
    check_role(principal, needed)
    query = addresses.ascii_query(request.scope["query_string"])
    return Call(request, flows, principal, instance, dict(addresses.parse_query_string(query)))
