"""Who calls, and may they; and the record of every call: its id, its size, its end."""

import hmac
import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from topcoat.core import errors
from topcoat.core.roles import Role
from topcoat.flows.instances import Instance, Instances
from topcoat.settings import Settings
from topcoat.surfaces import answers

ADDRESS_BYTES_MAX: Final = 512 * 1024
BODY_BYTES_MAX: Final = 1024 * 1024
REQUEST_ID_HEADER: Final = b"x-request-id"
KEY_HEADER: Final = "ocp-apim-subscription-key"
CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="topcoat"'}
WELL_KNOWN_KEYS: Final = ("topcoat-primary-key", "topcoat-secondary-key")

_KEY_HINT: Final = " and `Ocp-Apim-Subscription-Key: <key>`"
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_log = structlog.get_logger("topcoat.access")


TOKENS: Final = {
    "topcoat-viewer": Role.VIEWER,
    "topcoat-contributor": Role.CONTRIBUTOR,
    "topcoat-administrator": Role.ADMINISTRATOR,
    "topcoat-owner": Role.OWNER,
}


@dataclass(frozen=True, slots=True)
class Principal:
    name: str
    role: Role


_EVERYBODY = Principal("everybody", Role.ADMINISTRATOR)


class Access:
    """Tells callers by the emulator's tokens, and instances by subscription keys; `--open` asks for neither."""

    def __init__(self, settings: Settings) -> None:
        self._is_open = settings.is_open
        tokens: Mapping[str, Role] = TOKENS if settings.is_emulator else {}
        self._principals = {token: Principal(token, role) for token, role in tokens.items()}

    def authenticate(self, headers: Headers, key_hint: str = "") -> Principal:
        """By token alone; raise `NotAuthenticated`."""
        if self._is_open:
            return _EVERYBODY
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise errors.NotAuthenticated(reason="There is no bearer token.", key_hint=key_hint)
        principal = self._principals.get(token.strip())
        if principal is None:
            raise errors.NotAuthenticated(reason="The bearer token is not known.", key_hint=key_hint)
        return principal

    async def authenticate_for(self, headers: Headers, instance: str, instances: Instances) -> Principal:
        """By token and by a subscription key of that instance (S33); for an unknown one the well-known keys hold."""
        principal = self.authenticate(headers, _KEY_HINT)
        if not self._is_open and not _opens(_key(headers), await instances.find_subscription_keys(instance)):
            raise _key_refusal("The subscription key is not one of this instance.")
        return principal

    async def list_opened(self, headers: Headers, instances: Instances) -> tuple[Principal, list[Instance]]:
        """The instances that the key opens (S33); a key that opens none of those there are is no key."""
        principal = self.authenticate(headers, _KEY_HINT)
        known = await instances.list_instances()
        if self._is_open:
            return principal, known
        key = _key(headers)
        opened = [instance for instance in known if _opens(key, instance.subscription_keys)]
        if not opened and (known or not _opens(key, None)):
            raise _key_refusal("The subscription key is not one of any instance.")
        return principal, opened


def check_role(principal: Principal, needed: Role) -> None:
    if principal.role < needed:
        raise errors.NotPermitted(role=principal.role.name.capitalize(), needed=needed.name.capitalize())


def _key(headers: Headers) -> bytes:
    key = headers.get(KEY_HEADER)
    if not key:
        raise _key_refusal("There is no subscription key.")
    return key.encode()


def _opens(key: bytes, own_keys: Iterable[str] | None) -> bool:
    """Each comparison takes constant time; without own keys the well-known ones hold."""
    keys = WELL_KNOWN_KEYS if own_keys is None else own_keys
    return any(hmac.compare_digest(key, known.encode()) for known in keys)


def _key_refusal(reason: str) -> errors.NotAuthenticated:
    return errors.NotAuthenticated(reason=reason, key_hint=_KEY_HINT)


class CallRecorder:
    """Around every call: a request id on the answer and in the log, a limit to the body, one event at the end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = _log.bind()  # a logger that is bound anew for every event takes longer than the event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = _Call(scope, receive, send)
        unbound = structlog.contextvars.bind_contextvars(request_id=call.request_id.decode())
        started = time.perf_counter()
        try:
            await self._answer(scope, call)
        finally:
            self._log.info(
                "call_answered",
                method=scope["method"],
                route=_template(scope),
                status=call.status,
                duration_ms=round((time.perf_counter() - started) * 1000, 3),
            )
            structlog.contextvars.reset_contextvars(**unbound)

    async def _answer(self, scope: Scope, call: "_Call") -> None:
        length = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
        if length > ADDRESS_BYTES_MAX:
            error = errors.AddressTooLong(limit_bytes=ADDRESS_BYTES_MAX)
            await answers.flat_problem(414, error)(scope, call.receive, call.send)
            return
        try:
            await self._app(scope, call.receive, call.send)
        except ClientDisconnect:
            self._log.info("caller_left")
        except Exception:
            self._log.exception("call_failed")
            if call.status is not None:
                raise
            await answers.unexpected_problem()(scope, call.receive, call.send)


class _Call:
    """One call's two directions."""

    __slots__ = ("_receive", "_received_bytes", "_scope", "_send", "request_id", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._received_bytes = 0
        self.request_id = _request_id(scope)
        self.status: int | None = None

    async def receive(self) -> Message:
        """Raise `BodyTooLarge` at the byte beyond the limit, or at once where the length was announced."""
        if self._received_bytes == 0 and _announced_bytes(self._scope) > BODY_BYTES_MAX:
            raise errors.BodyTooLarge(limit_bytes=BODY_BYTES_MAX)
        message = await self._receive()
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > BODY_BYTES_MAX:
            raise errors.BodyTooLarge(limit_bytes=BODY_BYTES_MAX)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (REQUEST_ID_HEADER, self.request_id)]
        await self._send(message)


def _request_id(scope: Scope) -> bytes:
    """The caller's own, if it is fit for a log line, else a new one."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID_HEADER and _REQUEST_ID.fullmatch(value):
            return bytes(value)
    return os.urandom(16).hex().encode()


def _announced_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:_DIGITS_MAX])
    return 0


_DIGITS_MAX: Final = 20


def _template(scope: Scope) -> str | None:
    """The route's path with its parameters' names, since an address may hold personal data."""
    return getattr(scope.get("route"), "path", None)
