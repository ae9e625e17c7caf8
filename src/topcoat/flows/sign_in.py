"""The emulator's tenant: who signs in gets tokens, by the system clock, signed with a key that all workers share."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from topcoat.clock import Clock
from topcoat.core import roles, sign_in
from topcoat.core.sign_in import Authorization, Fault, Scope, refused
from topcoat.store import authorization_codes, signing_keys
from topcoat.store.engine import Store

if TYPE_CHECKING:
    from topcoat.flows.token_signing import Signer

_TOKENS: Final = "access tokens"
_REFRESH: Final = "refresh tokens"
_APP_ROLE_NAMES: Final = {role: name for name, role in roles.APP_ROLES.items()}


@dataclass(frozen=True, slots=True)
class Caller:
    """By which address the tenant was called: the issuer is named by it, and it is a resource itself."""

    origin: str
    host: str | None

    @property
    def issuer(self) -> str:
        return f"{self.origin}/{sign_in.TENANT}/v2.0"


@dataclass(frozen=True, slots=True)
class Tokens:
    """`user` is None where an application signed in for itself."""

    access: str
    scope: str
    user: str | None = None
    identity: str | None = None
    refresh: str | None = None


class SignIn:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._signer: Signer | None = None

    async def publish_keys(self) -> dict[str, Any]:
        return (await self._get_signer()).public_keys()

    async def authorize(self, authorization: Authorization) -> str:
        """A code that is good once, and not for long."""
        code, now = secrets.token_urlsafe(32), self._clock.system_now()
        async with self._store.writing() as connection:
            await authorization_codes.save_code(
                connection, _digest(code), authorization, now=now, expires_at=now + sign_in.CODE_LIFETIME
            )
        return code

    async def sign_application_in(self, caller: Caller, client: str, scope: str) -> Tokens:
        asked = sign_in.parse_application_scope(scope, caller.host)
        now = self._clock.system_now()
        claims = _access_claims(caller, asked, client=client, principal=client, now=now) | {"idtyp": "app"}
        return Tokens((await self._get_signer()).sign(claims), scope)

    async def redeem(
        self, caller: Caller, client: str, *, code: str, redirect_uri: str, verifier: str, scope: str | None
    ) -> Tokens:
        """Whoever brings a code uses it up, also where it turns out to be somebody else's."""
        now = self._clock.system_now()
        async with self._store.writing() as connection:
            redeemed = await authorization_codes.redeem_code(connection, _digest(code), now)
            is_known = redeemed is not None or await authorization_codes.is_known(connection, _digest(code))
        if redeemed is None:
            if is_known:
                raise refused(Fault.CODE_REDEEMED, "The authorization code was already redeemed; ask for a new one.")
            raise refused(Fault.CODE, "The authorization code is not one that was given out here.")
        if now >= redeemed.expires_at:
            raise refused(Fault.CODE_EXPIRED, "The authorization code has expired; ask for a new one.")
        authorization = redeemed.authorization
        sign_in.check_redeemable(authorization, client, redirect_uri, verifier)
        return await self._sign_user_in(
            caller, client, authorization.user, scope or authorization.scope, authorization.nonce
        )

    async def refresh(self, caller: Caller, client: str, *, token: str, scope: str | None) -> Tokens:
        from topcoat.flows import token_signing  # noqa: PLC0415 - heavy

        claims = token_signing.read_refresh_token(token, await self._get_refresh_secret())
        if claims is None or claims["client"] != client:
            raise refused(Fault.CODE, "The refresh token is not one that was given to this application here.")
        if self._clock.system_now().timestamp() >= claims["exp"]:
            raise refused(Fault.REFRESH_EXPIRED, "The refresh token has expired; sign in again.")
        return await self._sign_user_in(caller, client, claims["user"], scope or claims["scope"], None)

    async def _sign_user_in(self, caller: Caller, client: str, user: str, scope: str, nonce: str | None) -> Tokens:
        asked = sign_in.parse_user_scope(scope, caller.host)
        now, signer = self._clock.system_now(), await self._get_signer()
        about = {"name": _shown_name(user), "preferred_username": f"{user}@{sign_in.TENANT}.example"}
        access = _access_claims(caller, asked, client=client, principal=user, now=now) | about
        access["scp"] = " ".join("user_impersonation" if name == ".default" else name for name in asked.names)
        named = _claims(caller, client, user, now) | about | ({} if nonce is None else {"nonce": nonce})
        return Tokens(
            signer.sign(access),
            scope,
            user,
            signer.sign(named) if asked.is_openid else None,
            await self._make_refresh_token(client, user, scope, now) if asked.is_kept else None,
        )

    async def _make_refresh_token(self, client: str, user: str, scope: str, now: datetime) -> str:
        from topcoat.flows import token_signing  # noqa: PLC0415 - heavy

        claims = {"client": client, "user": user, "scope": scope, "exp": _seconds(now + sign_in.REFRESH_LIFETIME)}
        return token_signing.sign_refresh_token(claims, await self._get_refresh_secret())

    async def _get_refresh_secret(self) -> bytes:
        return await signing_keys.get_signing_key(self._store, _REFRESH, self._clock.system_now())

    async def _get_signer(self) -> "Signer":
        if self._signer is None:
            from topcoat.flows import token_signing  # noqa: PLC0415 - heavy

            now = self._clock.system_now()
            key = await signing_keys.get_signing_key(self._store, _TOKENS, now, token_signing.make_private_key)
            self._signer = token_signing.Signer(key)
        return self._signer


def _access_claims(caller: Caller, scope: Scope, *, client: str, principal: str, now: datetime) -> dict[str, Any]:
    role = _APP_ROLE_NAMES[roles.TOKENS[principal]]
    return _claims(caller, scope.resource, principal, now) | {"azp": client, "roles": [role]}


def _claims(caller: Caller, audience: str, principal: str, now: datetime) -> dict[str, Any]:
    """As version 2.0 of the vendor's tokens has them; people and applications are called as their tokens are."""
    return {
        "aud": audience,
        "iss": caller.issuer,
        "iat": _seconds(now),
        "nbf": _seconds(now),
        "exp": _seconds(now + sign_in.TOKEN_LIFETIME + timedelta(seconds=1)),
        "oid": principal,
        "sub": principal,
        "tid": sign_in.TENANT_ID,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
    }


def _shown_name(user: str) -> str:
    return user.replace("-", " ").title()


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
