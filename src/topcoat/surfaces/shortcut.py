"""A short way to the routes that have to be quick, past the framework's layers around every call."""

from collections.abc import Iterable
from re import Pattern

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from topcoat.surfaces.access import CallRecorder


class Shortcut:
    """Calls the endpoints of some routes itself; whatever they do not match is for the whole application.

    The routes' parameters are texts, and their endpoints answer by themselves: nothing to inject, nothing to catch.
    A call that telemetry observes goes the whole way, too, for its route is recorded there.
    """

    def __init__(self, routes: Iterable[APIRoute], application: ASGIApp) -> None:
        self._application = application
        self._answer = CallRecorder(_answer)
        self._routes: dict[Pattern[str], dict[str, APIRoute]] = {}
        for route in routes:
            self._routes.setdefault(route.path_regex, {}).update(dict.fromkeys(route.methods or (), route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_found(scope):
            await self._answer(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    def _is_found(self, scope: Scope) -> bool:
        if scope.get("root_path") or scope.get("fastapi.telemetry") is not None:
            return False
        for pattern, routes in self._routes.items():
            match = pattern.match(scope["path"])
            if match is not None and scope["method"] in routes:
                scope["route"] = routes[scope["method"]]
                scope["path_params"] = match.groupdict()
                return True
        return False


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    response = await scope["route"].endpoint(Request(scope, receive, send))
    await response(scope, receive, send)
