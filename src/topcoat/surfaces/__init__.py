"""What callers see: every surface is a set of routes on the one app, and refuses in its own dialect."""

from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp

from topcoat.clock import Clock
from topcoat.core import catalog, errors
from topcoat.flows import Flows
from topcoat.settings import Settings
from topcoat.surfaces import answers, health, metrics
from topcoat.surfaces.access import Access, CallRecorder, LoadKeys
from topcoat.surfaces.console import router as console
from topcoat.surfaces.customer_card import router as customer_card
from topcoat.surfaces.customer_insights import router as customer_insights
from topcoat.surfaces.dataverse import router as dataverse
from topcoat.surfaces.emulator import certificate, clock, sign_in
from topcoat.surfaces.pages import router as pages
from topcoat.surfaces.shortcut import Shortcut


class Application(FastAPI):
    """All routes as FastAPI has them, and a shortcut to those that have to be quick."""

    def build_middleware_stack(self) -> ASGIApp:
        return Shortcut(customer_insights.list_quick_routes(self), super().build_middleware_stack())


def add_surfaces(app: FastAPI, settings: Settings) -> None:
    access = Access(settings, _loading_own_keys(app))
    customer_insights.add_customer_insights(app, access)
    dataverse.add_dataverse(app, settings)
    pages.add_pages(app, settings)
    customer_card.add_customer_card(app, settings)
    console.add_console(app, settings)
    health.add_health(app)
    metrics.add_metrics(app)
    if settings.is_emulator:
        clock.add_clock(app, access)
        certificate.add_certificate(app, settings)
        sign_in.add_sign_in(app, Clock(is_adjustable=False))
    _add_unrouted(app)
    app.add_middleware(CallRecorder)


def _loading_own_keys(app: FastAPI) -> LoadKeys:
    async def load() -> dict[str, Any]:
        flows: Flows = app.state.flows
        return await flows.sign_in.publish_keys()

    return load


def _add_unrouted(app: FastAPI) -> None:
    async def answer_unrouted(request: Request, exception: Exception) -> Response:
        assert isinstance(exception, HTTPException)  # what it is registered for
        error = _unrouted(app, request)
        if customer_insights.is_own(request.scope["path"]):
            return await customer_insights.answer_unrouted(request, error)
        if dataverse.is_own(request.scope["path"]):
            return dataverse.answer_unrouted(error)
        headers = {"Allow": error.parts["allowed"]} if isinstance(error, errors.MethodNotSupported) else None
        return answers.flat_problem(exception.status_code, error, headers)

    app.add_exception_handler(HTTPException, answer_unrouted)


def _unrouted(app: FastAPI, request: Request) -> errors.TopcoatError:
    """No route at all, or none for the method: Starlette's own Allow names the first route's methods only."""
    method, path = request.method, catalog.shown(request.scope["path"])
    allowed = {
        allowed
        for route in app.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for allowed in getattr(route, "methods", None) or ()
    }
    if not allowed:
        return errors.AddressNotFound(method=catalog.shown(method), path=path)
    return errors.MethodNotSupported(method=catalog.shown(method), allowed=", ".join(sorted(allowed)))
