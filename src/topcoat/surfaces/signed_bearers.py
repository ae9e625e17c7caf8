"""Tokens that OpenID Connect issuers signed, Microsoft Entra ID among them: JSON Web Tokens of RS256 or ES256."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import jwt
from jwt import exceptions

from topcoat.clock import Clock
from topcoat.core import errors, sign_in
from topcoat.core.roles import APP_ROLES, Identity, PrincipalKind, principal_id_of
from topcoat.outbound import jwks
from topcoat.outbound.jwks import Jwks
from topcoat.settings import Settings

LEEWAY_SECONDS: Final = 60
VERIFIED_KEPT_SECONDS: Final = 600
VERIFIED_KEPT_MAX: Final = 10_000
TOKEN_BYTES_MAX: Final = 16 * 1024
GROUPS_MAX: Final = 500
ALGORITHMS: Final = ("RS256", "ES256")

_UNREADABLE: Final = "is no JSON Web Token"
# PyJWT would look at the wall clock by itself.
_OPTIONS: Final[Any] = {
    "require": ["exp", "iss", "aud"],
    "verify_aud": False,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "enforce_minimum_key_length": True,
}

# Tokens of users have at least one of them.
_OF_USERS: Final = frozenset({"scp", "upn", "unique_name", "preferred_username", "email", "name"})

Claims = Mapping[str, Any]


class SignedBearers:
    """Believes a token of an issuer that has keys, for an audience of ours; what was verified is kept for a while."""

    def __init__(
        self, find_keys: Callable[[str], Jwks | None], is_audience: Callable[[str], bool], clock: Clock
    ) -> None:
        self._find_keys = find_keys
        self._is_audience = is_audience
        self._clock = clock
        self._verified: dict[bytes, tuple[float, Identity]] = {}

    async def identify(self, token: str) -> Identity:
        """Raise `NotAuthenticated` or `IssuerUnreachable`."""
        digest = hashlib.sha256(token.encode()).digest()
        now = self._clock.system_now().timestamp()
        kept = self._verified.get(digest)
        if kept is not None and now < kept[0]:
            return kept[1]
        claims = await self._verify(token)
        _check_times(claims, now)
        identity = _identity(claims)
        self._keep(digest, identity, min(claims["exp"] + LEEWAY_SECONDS, now + VERIFIED_KEPT_SECONDS))
        return identity

    def _keep(self, digest: bytes, identity: Identity, until: float) -> None:
        """Beyond what is kept, the oldest goes."""
        self._verified.pop(digest, None)
        if len(self._verified) >= VERIFIED_KEPT_MAX:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = (until, identity)

    async def _verify(self, token: str) -> Claims:
        """The claims, once issuer, signature and audience are sure."""
        unverified = _read_unverified(token)
        header, issuer = unverified["header"], unverified["payload"].get("iss")
        if header.get("alg") not in ALGORITHMS:
            raise _refusal(f"is not signed with one of {', '.join(ALGORITHMS)}")
        keys = self._find_keys(issuer) if isinstance(issuer, str) else None
        if keys is None:
            raise _refusal("is of an issuer that is not trusted here")
        key = await keys.find_key(header.get("kid"))
        if key is None:
            raise _refusal("is signed with a key that its issuer does not publish")
        try:
            claims = jwt.decode(token, key, [key.algorithm_name], _OPTIONS, issuer=issuer)
        except exceptions.PyJWTError as error:
            raise _refusal(_fault(error)) from None
        named = [claims["aud"]] if isinstance(claims["aud"], str) else _texts(claims["aud"])
        if not any(map(self._is_audience, named)):
            raise _refusal("is for another audience")
        return claims


def bearers_of(settings: Settings, clock: Clock) -> SignedBearers:
    """Raise `ParameterInvalid` for settings that cannot tell whom to believe."""
    issuers, audiences = _listed(settings.auth_issuers), _listed(settings.auth_audiences)
    if not issuers or not audiences:
        parameter = "TOPCOAT_AUTH_AUDIENCES" if issuers else "TOPCOAT_AUTH_ISSUERS"
        expected = "issuers and audiences of the tokens to believe, such as https://login.microsoftonline.com/…/v2.0"
        raise errors.ParameterInvalid(parameter=parameter, found="missing", expected=expected)
    if settings.auth_jwks is not None:
        shared = Jwks(_loading(settings.auth_jwks), clock)
        return SignedBearers(dict.fromkeys(issuers, shared).get, audiences.__contains__, clock)
    for issuer in issuers:
        _check_trustworthy("TOPCOAT_AUTH_ISSUERS", issuer)
    known = {issuer: Jwks(partial(jwks.discover, issuer), clock) for issuer in issuers}
    return SignedBearers(known.get, audiences.__contains__, clock)


def own_bearers(load_keys: Callable[[], Awaitable[jwks.Document]], clock: Clock) -> SignedBearers:
    """Those of the emulator's tenant, which gives out none for other audiences than the emulator."""
    keys = Jwks(load_keys, clock)
    return SignedBearers(lambda issuer: keys if sign_in.is_own_issuer(issuer) else None, sign_in.is_resource, clock)


def _loading(place: str) -> Any:
    """From a file, or from an address."""
    if "://" not in place:
        return partial(jwks.read_file, Path(place))
    _check_trustworthy("TOPCOAT_AUTH_JWKS", place)
    return partial(jwks.fetch, place)


def _check_trustworthy(parameter: str, address: str) -> None:
    if not jwks.is_trustworthy(address):
        raise errors.ParameterInvalid(parameter=parameter, found=f"'{address}'", expected="an https address")


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple((text or "").split())


def _read_unverified(token: str) -> dict[str, Any]:
    """To learn whose it says it is."""
    if len(token) > TOKEN_BYTES_MAX:
        raise _refusal(f"is longer than {TOKEN_BYTES_MAX} bytes")
    try:
        return jwt.decode_complete(token, options={"verify_signature": False})
    except (exceptions.PyJWTError, RecursionError):
        raise _refusal(_UNREADABLE) from None


def _check_times(claims: Claims, now: float) -> None:
    """Said so that what is no number of seconds, or none at all, is refused."""
    for name in ("exp", "nbf"):
        if not isinstance(claims.get(name, 0), int | float):
            raise _refusal(f"has no instant in its claim {name}")
    if not now < claims["exp"] + LEEWAY_SECONDS:
        raise _refusal("has expired")
    if not now >= claims.get("nbf", 0) - LEEWAY_SECONDS:
        raise _refusal("is not valid yet")


def _identity(claims: Claims) -> Identity:
    """By the ids that the issuer has for people and applications; Entra's `oid` is the same to every application."""
    ids = [claims[name] for name in ("oid", "sub") if isinstance(claims.get(name), str) and claims[name]]
    client = next((claims[n] for n in ("appid", "azp", "client_id") if isinstance(claims.get(n), str)), None)
    is_app = _is_app(claims, client)
    if is_app and client:
        ids.append(client)
    if not ids:
        raise _refusal("names nobody: it has neither oid nor sub")
    kind = PrincipalKind.APP if is_app else PrincipalKind.USER
    unique = tuple(dict.fromkeys(map(principal_id_of, ids)))
    groups = tuple(principal_id_of(group) for group in _texts(claims.get("groups"))[:GROUPS_MAX])
    given = [APP_ROLES[name] for name in _texts(claims.get("roles")) if name in APP_ROLES]
    return Identity(unique[0], kind, unique, groups, max(given, default=None))


def _is_app(claims: Claims, client: str | None) -> bool:
    """Whether an application speaks for itself; in the name of a user, it is the user who calls."""
    if "idtyp" in claims:
        return bool(claims["idtyp"] == "app")
    subject = claims.get("sub")
    if client is not None and subject == client:
        return True
    return "oid" in claims and subject == claims["oid"] and not _OF_USERS & claims.keys()


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _fault(error: exceptions.PyJWTError) -> str:
    match error:
        case exceptions.InvalidSignatureError():
            return "has a signature that does not fit"
        case exceptions.InvalidAlgorithmError():
            return "is signed with another algorithm than its key is for"
        case exceptions.InvalidKeyError():
            return "is signed with a key that is too short"
        case exceptions.MissingRequiredClaimError():
            return f"lacks the claim {error.claim}"
        case _:
            return "is not well made"


def _refusal(fault: str) -> errors.NotAuthenticated:
    return errors.NotAuthenticated(reason=f"The bearer token {fault}.", key_hint="", is_token_fault=True)
