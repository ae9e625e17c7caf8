"""What the emulator's tenant knows, and what it refuses, in the words and numbers of Microsoft Entra ID."""

import base64
import enum
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import SplitResult, urlsplit

from topcoat.core import errors, roles
from topcoat.core.catalog import shown

TENANT: Final = "contoso"
TENANT_ID: Final = "c0ffee00-0000-4000-8000-00000000c0de"
CLIENT_SECRET: Final = "topcoat-secret"
RESOURCES: Final = frozenset({"api://topcoat", "https://api.ci.ai.dynamics.com", "https://api.ci.ai.microsoft.com"})
TOKEN_LIFETIME: Final = timedelta(seconds=3599)
CODE_LIFETIME: Final = timedelta(minutes=10)
REFRESH_LIFETIME: Final = timedelta(hours=24)
TEXT_LENGTH_MAX: Final = 2048

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_ABOUT_THE_USER: Final = frozenset({"openid", "profile", "email", "offline_access"})
_EVERYTHING: Final = ".default"
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_OWN_PATH: Final = re.compile(r"/?|/dataverse/[0-9A-Fa-f-]{36}/?")
_OWN_ISSUER: Final = re.compile(rf"https?://[^/?#@\s]+/{TENANT}/v2\.0")


class Fault(enum.Enum):
    """The number after AADSTS, and OAuth's word for it."""

    TENANT = (90002, "invalid_request")
    MISSING = (900144, "invalid_request")
    MALFORMED = (9002313, "invalid_request")
    GRANT = (70003, "unsupported_grant_type")
    CLIENT = (700016, "unauthorized_client")
    NO_SECRET = (7000218, "invalid_client")
    SECRET = (7000215, "invalid_client")
    SCOPE = (70011, "invalid_scope")
    APPLICATION_SCOPE = (1002012, "invalid_scope")
    RESOURCE = (500011, "invalid_resource")
    REDIRECT = (50011, "invalid_request")
    RESPONSE_TYPE = (70005, "unsupported_response_type")
    RESPONSE_MODE = (70007, "invalid_request")
    NOT_SIGNED_IN = (50058, "login_required")
    NO_CHALLENGE = (50147, "invalid_request")
    CHALLENGE_METHOD = (50149, "invalid_request")
    CHALLENGE = (501491, "invalid_request")
    VERIFIER = (501481, "invalid_grant")
    CODE = (9002313, "invalid_grant")
    CODE_EXPIRED = (70008, "invalid_grant")
    CODE_REDEEMED = (54005, "invalid_grant")
    OTHER_REDIRECT = (500112, "invalid_client")
    REFRESH_EXPIRED = (700082, "invalid_grant")
    INSTANCE = (50049, "invalid_instance")


@dataclass(frozen=True, slots=True)
class Scope:
    """`names` are of the resource; `is_kept`: a refresh token is wanted."""

    resource: str
    names: tuple[str, ...]
    is_openid: bool = False
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a code stands for: whoever redeems it has to be the same client, and prove it by the verifier."""

    client: str
    redirect_uri: str
    challenge: str
    scope: str
    nonce: str | None
    user: str


def refused(fault: Fault, reason: str) -> errors.SignInRefused:
    return errors.SignInRefused(fault=fault, number=fault.value[0], reason=reason)


def check_tenant(tenant: str) -> None:
    if tenant != TENANT:
        raise refused(Fault.TENANT, f"Tenant '{shown(tenant)}' not found; the emulator's is '{TENANT}'.")


def check_client(client: str) -> None:
    if client not in roles.TOKENS:
        raise refused(
            Fault.CLIENT,
            f"Application with identifier '{shown(client)}' was not found in the directory '{TENANT}'; "
            f"there are {', '.join(roles.TOKENS)}.",
        )


def check_secret(client: str, secret: str | None, *, is_needed: bool) -> None:
    if secret is None and is_needed:
        raise refused(Fault.NO_SECRET, "The request body must contain the following parameter: 'client_secret'.")
    if secret is not None and not hmac.compare_digest(secret.encode(), CLIENT_SECRET.encode()):
        raise refused(Fault.SECRET, f"Invalid client secret provided for the application '{client}'.")


def parse_application_scope(text: str, host: str | None) -> Scope:
    """`<resource>/.default` and nothing else."""
    resource, _, name = text.strip().rpartition("/")
    if name != _EVERYTHING or not resource or " " in resource:
        reason = (
            f"The provided value for scope '{shown(text)}' is not valid; client credentials take <resource>/.default."
        )
        raise refused(Fault.APPLICATION_SCOPE, reason)
    _check_resource(resource, host)
    return Scope(resource, (_EVERYTHING,))


def parse_user_scope(text: str, host: str | None) -> Scope:
    """Scopes of one resource, and what is asked for about the user."""
    asked = text.split()
    pairs = [item.rpartition("/") for item in asked if item not in _ABOUT_THE_USER]
    resources = {resource for resource, _, _ in pairs}
    if len(resources) != 1 or not all(resource and name for resource, _, name in pairs):
        reason = f"The provided value for the input parameter 'scope' is not valid: '{shown(text)}'; name one resource."
        raise refused(Fault.SCOPE, reason)
    (resource,) = resources
    _check_resource(resource, host)
    return Scope(resource, tuple(name for _, _, name in pairs), "openid" in asked, "offline_access" in asked)


def is_resource(audience: str) -> bool:
    """Whether an access token can be for it; an id token is for a client."""
    return audience in RESOURCES or audience.startswith(("https://", "http://"))


def is_own_issuer(issuer: str) -> bool:
    """At whatever address it was called; that it is the emulator itself, its key says."""
    return _OWN_ISSUER.fullmatch(issuer) is not None


def read_authority(address: str) -> tuple[str | None, str]:
    """Host and tenant of an address of authorization."""
    parts = _split(address)
    return (None, "") if parts is None else (parts.hostname, parts.path.strip("/").partition("/")[0])


def check_redirect(uri: str) -> None:
    """A loopback address, http or https: codes leave this machine for nobody."""
    parts = _split(uri)
    is_safe = (
        len(uri) <= TEXT_LENGTH_MAX
        and parts is not None
        and parts.scheme in ("http", "https")
        and parts.hostname in _LOOPBACK
        and "@" not in parts.netloc
        and "#" not in uri
        and uri.isprintable()
        and uri.isascii()
        and not set(uri) & set(" \"'<>\\;,")
    )
    if not is_safe:
        reason = f"The redirect URI '{shown(uri)}' is none of the application's, which are all on loopback addresses."
        raise refused(Fault.REDIRECT, reason)


def check_challenge(challenge: str | None, method: str | None) -> str:
    if challenge is None:
        raise refused(Fault.NO_CHALLENGE, "The parameter code_challenge is missing; a code is bound to one (PKCE).")
    if method != "S256":
        raise refused(Fault.CHALLENGE_METHOD, "The parameter code_challenge_method has to be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise refused(Fault.CHALLENGE, "The parameter code_challenge has not the size of a SHA-256 digest.")
    return challenge


def check_redeemable(authorization: Authorization, client: str, redirect_uri: str, verifier: str) -> None:
    """Whether it is the one who asked for the code that has it."""
    if authorization.client != client:
        raise refused(Fault.CODE, "The authorization code was issued to another application.")
    if authorization.redirect_uri != redirect_uri:
        reason = f"The reply address '{shown(redirect_uri)}' is not the one provided when requesting the code."
        raise refused(Fault.OTHER_REDIRECT, reason)
    if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(_challenge_of(verifier), authorization.challenge):
        raise refused(
            Fault.VERIFIER, "The code_verifier does not match the code_challenge of the authorization request."
        )


def _challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _check_resource(resource: str, host: str | None) -> None:
    """Of the tenant's, or this very service by any of its addresses, those of Dataverse's instances included."""
    parts = _split(resource)
    is_here = (
        parts is not None
        and parts.scheme in ("http", "https")
        and _OWN_PATH.fullmatch(parts.path)
        and parts.hostname in {*_LOOPBACK, host}
    )
    if resource not in RESOURCES and not is_here:
        reason = f"The resource principal named '{shown(resource)}' was not found in the tenant named '{TENANT}'."
        raise refused(Fault.RESOURCE, reason)


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # which is read, and refused, only now
    except ValueError:
        return None
    return parts
