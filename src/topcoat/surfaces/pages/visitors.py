"""Who looks at a page: whoever brings a token, and in emulator mode a role that is chosen on the page itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from topcoat.core import errors, roles
from topcoat.core.roles import Role
from topcoat.settings import Settings

ROLE_COOKIE: Final = "topcoat_role"
FIRST_ROLE: Final = Role.VIEWER
TOKENS_BY_ROLE: Final[Mapping[Role, str]] = {role: token for token, role in roles.TOKENS.items()}


@dataclass(frozen=True, slots=True)
class Visitor:
    """`headers` are what the API would be asked with; `chosen` is None where roles are not to be chosen."""

    headers: Headers
    token: str
    chosen: Role | None


def find_visitor(request: Request, settings: Settings) -> Visitor:
    """Raise `NotAuthenticated`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return Visitor(request.headers, token.strip(), None)
    if not settings.is_emulator:
        raise errors.NotAuthenticated(reason="There is no bearer token.", key_hint="")
    role = role_named(request.cookies.get(ROLE_COOKIE, "")) or FIRST_ROLE
    token = TOKENS_BY_ROLE[role]
    return Visitor(Headers({"Authorization": f"Bearer {token}"}), token, None if settings.is_open else role)


def role_named(name: str) -> Role | None:
    return next((role for role in Role if role.name.lower() == name), None)
