"""Who calls, and may they; and the record of every call: its id, its size, its end."""

import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from topcoat.clock import Clock
from topcoat.core import catalog, errors, roles, subscription_keys
from topcoat.core.roles import Identity, PrincipalKind, Role
from topcoat.flows.instances import Instance, Instances
from topcoat.flows.permissions import Permissions, Rules
from topcoat.settings import Settings
from topcoat.surfaces import answers, usage
from topcoat.surfaces.bearers import WellKnownBearers

if TYPE_CHECKING:
    from topcoat.surfaces.signed_bearers import SignedBearers

ADDRESS_BYTES_MAX: Final = 512 * 1024
BODY_BYTES_MAX: Final = 1024 * 1024
REQUEST_ID_HEADER: Final = b"x-request-id"
KEY_HEADER: Final = "ocp-apim-subscription-key"

_DOTS_OF_SIGNED: Final = 2
_CHALLENGE: Final = 'Bearer realm="topcoat"'
_KEY_HINT: Final = " and `Ocp-Apim-Subscription-Key: <key>`"
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_log = structlog.get_logger("topcoat.access")


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, with the role in the instance that is addressed; in none, with the highest in those the key opens."""

    name: str
    kind: PrincipalKind
    role: Role | None


_EVERYBODY = Principal("everybody", PrincipalKind.APP, Role.ADMINISTRATOR)


LoadKeys = Callable[[], Awaitable[dict[str, Any]]]


class Access:
    """Tells callers by tokens, and instances by subscription keys; `--open` asks for neither.

    `load_own_keys` is where the emulator's tenant publishes the keys that it signs with.
    """

    def __init__(self, settings: Settings, load_own_keys: LoadKeys | None = None) -> None:
        self._is_open = settings.is_open
        self._bearers = _EmulatorBearers(load_own_keys) if settings.is_emulator else _signed_bearers(settings)

    async def authenticate(self, headers: Headers, permissions: Permissions) -> Principal:
        """By token alone, as what the caller is whatever the instance; raise `NotAuthenticated`."""
        if self._is_open:
            return _EVERYBODY
        identity = await self._identify(headers, "")
        return _principal(identity, roles.role_of(identity, permissions.default_rules.assignments))

    async def authenticate_for(
        self, headers: Headers, instance: str, permissions: Permissions, *, needs_key: bool = True
    ) -> Principal:
        """By token and by a subscription key of that instance (S33); for an unknown one the well-known keys hold.

        Raise `InstanceNotFound` for what no database stores, and so no instance is called.
        """
        identity = None if self._is_open else await self._identify(headers, _KEY_HINT)
        if not catalog.check_id(instance):
            raise errors.InstanceNotFound(instance=catalog.shown(instance))
        if identity is None:
            return _EVERYBODY
        rules = await permissions.find_rules(instance)
        if needs_key:
            _check_key(headers, rules)
        return _principal(identity, roles.role_of(identity, rules.assignments))

    async def list_entered(
        self, headers: Headers, instances: Instances, permissions: Permissions
    ) -> tuple[Principal, list[Instance]]:
        """Those that the caller has a role in, by token alone (S33)."""
        if self._is_open:
            return _EVERYBODY, await instances.list_instances()
        identity = await self._identify(headers, "")
        return await self._entered(identity, await permissions.list_rules(), instances, permissions)

    async def list_opened(
        self, headers: Headers, instances: Instances, permissions: Permissions
    ) -> tuple[Principal, list[Instance]]:
        """Those that the key opens and the caller has a role in (S33); a key that opens none at all is no key.

        Before there is any instance, the well-known keys hold; where those do not exist, the token is enough.
        """
        if self._is_open:
            return _EVERYBODY, await instances.list_instances()
        identity = await self._identify(headers, _KEY_HINT)
        rules = await permissions.list_rules()
        if not rules and permissions.default_rules.digests:
            _check_key(headers, permissions.default_rules)
        opened = {guid: rule for guid, rule in rules.items() if _opens(_key(headers), rule)}
        if rules and not opened:
            raise _key_refusal("The subscription key is not one of any instance.")
        return await self._entered(identity, opened, instances, permissions)

    async def _entered(
        self, identity: Identity, opened: Mapping[str, Rules], instances: Instances, permissions: Permissions
    ) -> tuple[Principal, list[Instance]]:
        held = {guid: roles.role_of(identity, rule.assignments) for guid, rule in opened.items()}
        entered = {guid: role for guid, role in held.items() if role is not None}
        anywhere = roles.role_of(identity, permissions.default_rules.assignments)
        highest = max((role for role in (anywhere, *entered.values()) if role is not None), default=None)
        known = await instances.list_instances() if entered else []
        return _principal(identity, highest), [instance for instance in known if instance.guid in entered]

    async def _identify(self, headers: Headers, key_hint: str) -> Identity:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise errors.NotAuthenticated(reason="There is no bearer token.", key_hint=key_hint)
        try:
            return await self._bearers.identify(token.strip())
        except errors.NotAuthenticated as error:
            raise errors.NotAuthenticated(**error.parts | {"key_hint": key_hint}) from None


class _EmulatorBearers:
    """The well-known tokens, and those that the emulator's tenant signed: people and applications of the same names."""

    def __init__(self, load_keys: LoadKeys | None) -> None:
        self._well_known = WellKnownBearers(roles.TOKENS)
        self._load_keys = load_keys
        self._signed: SignedBearers | None = None

    async def identify(self, token: str) -> Identity:
        """Raise `NotAuthenticated`; what an instance assigned to a name counts, and not what the token brings."""
        if self._load_keys is None or token.count(".") != _DOTS_OF_SIGNED:
            return await self._well_known.identify(token)
        if self._signed is None:
            from topcoat.surfaces import signed_bearers  # noqa: PLC0415 - heavy

            self._signed = signed_bearers.own_bearers(self._load_keys, Clock(is_adjustable=False))
        return replace(await self._signed.identify(token), role=None)


def _signed_bearers(settings: Settings) -> "SignedBearers":
    """Imported here, for the emulator does without cryptography and HTTP calls."""
    from topcoat.surfaces import signed_bearers  # noqa: PLC0415

    return signed_bearers.bearers_of(settings, Clock(is_adjustable=False))


def check_role(principal: Principal, needed: Role) -> None:
    if principal.role is None:
        raise errors.NoRole(principal=catalog.shown(principal.name))
    if principal.role < needed:
        raise errors.NotPermitted(role=principal.role.name.capitalize(), needed=needed.name.capitalize())


def challenge(error: errors.NotAuthenticated) -> dict[str, str]:
    """How to sign in, and what is wrong with a token that was brought (RFC 6750)."""
    if not error.parts.get("is_token_fault"):
        return {"WWW-Authenticate": _CHALLENGE}
    return {"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token", error_description="{error.parts["reason"]}"'}


def refusal_headers(error: errors.TopcoatError) -> dict[str, str]:
    """What every surface says beside a refusal: how to sign in, when to come again, what is allowed."""
    match error:
        case errors.NotAuthenticated():
            return challenge(error)
        case errors.Unavailable() | errors.LimitExceeded():
            return {"Retry-After": str(error.retry_after_seconds)}
        case errors.MethodNotSupported():
            return {"Allow": error.parts["allowed"]}
        case _:
            return {}


def _principal(identity: Identity, role: Role | None) -> Principal:
    return Principal(identity.name, identity.kind, role)


def _check_key(headers: Headers, rules: Rules) -> None:
    if not _opens(_key(headers), rules):
        reason = "is not one of this instance" if rules.is_enabled else "opens nothing: API access is disabled here"
        raise _key_refusal(f"The subscription key {reason}.")


def _key(headers: Headers) -> str:
    key = headers.get(KEY_HEADER)
    if not key:
        raise _key_refusal("There is no subscription key.")
    return key


def _opens(key: str, rules: Rules) -> bool:
    return rules.is_enabled and subscription_keys.is_one_of(key, rules.digests)


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
            seconds = time.perf_counter() - started
            self._log.info(
                "call_answered",
                method=scope["method"],
                route=_template(scope),
                status=call.status,
                duration_ms=round(seconds * 1000, 3),
            )
            usage.record(
                scope,
                call.status,
                received_bytes=call.received_bytes,
                sent_bytes=call.sent_bytes,
                seconds=seconds,
            )
            structlog.contextvars.reset_contextvars(**unbound)

    async def _answer(self, scope: Scope, call: "_Call") -> None:
        length = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
        if length > ADDRESS_BYTES_MAX:
            error = errors.AddressTooLong(limit_bytes=ADDRESS_BYTES_MAX)
            usage.notes_of(scope).error = error.code
            await answers.flat_problem(414, error)(scope, call.receive, call.send)
            return
        try:
            await self._app(scope, call.receive, call.send)
        except ClientDisconnect:
            self._log.info("caller_left")
        except Exception:
            self._log.exception("call_failed")
            usage.notes_of(scope).error = answers.UNEXPECTED
            if call.status is not None:
                raise
            await answers.unexpected_problem()(scope, call.receive, call.send)


class _Call:
    """One call's two directions."""

    __slots__ = ("_receive", "_scope", "_send", "received_bytes", "request_id", "sent_bytes", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.received_bytes = 0
        self.request_id = _request_id(scope)
        self.sent_bytes = 0
        self.status: int | None = None

    async def receive(self) -> Message:
        """Raise `BodyTooLarge` at the byte beyond the limit, or at once where the length was announced."""
        if self.received_bytes == 0 and _announced_bytes(self._scope) > BODY_BYTES_MAX:
            raise errors.BodyTooLarge(limit_bytes=BODY_BYTES_MAX)
        message = await self._receive()
        self.received_bytes += len(message.get("body", b""))
        if self.received_bytes > BODY_BYTES_MAX:
            raise errors.BodyTooLarge(limit_bytes=BODY_BYTES_MAX)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (REQUEST_ID_HEADER, self.request_id)]
        else:
            self.sent_bytes += len(message.get("body", b""))
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
