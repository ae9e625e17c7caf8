"""Forms that people send: read, and refused unless a page of this service made them.

A page puts a secret into a cookie that no script can read and into each of its forms; other sites can make a browser
send the first, and cannot know the second. The origin would not tell: pages here have it withheld, with the referrer.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from topcoat.core import errors

SECRET_COOKIE: Final = "topcoat_form"
SECRET_FIELD: Final = "form"
BACK_FIELD: Final = "back"
FIELDS_MAX: Final = 50
MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
_SECRET: Final = re.compile(r"[\w-]{43}", re.ASCII)
_OWN: Final = ("same-origin", "none")  # none: somebody loads the page again
_NOT_IN_ADDRESSES: Final = re.compile(r"[\x00-\x20\\\x7f]")


def secret_of(request: Request) -> str:
    """The one that the browser has, or a new one, which it is to be given."""
    held = request.cookies.get(SECRET_COOKIE, "")
    return held if _SECRET.fullmatch(held) else secrets.token_urlsafe(32)


async def read_form(request: Request) -> Mapping[str, str]:
    """Raise `FormRefused`, `ContentTypeNotSupported`, `BodyTooLarge` or `ParameterInvalid`."""
    media_type = request.headers.get("content-type", "")
    if media_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise errors.FormRefused
    given = _parse((await request.body()).decode("utf-8", "replace"))
    held = request.cookies.get(SECRET_COOKIE, "")
    is_ours = _SECRET.fullmatch(held) and hmac.compare_digest(held.encode(), given.get(SECRET_FIELD, "").encode())
    if not is_ours or request.headers.get("sec-fetch-site", _OWN[0]) not in _OWN:
        raise errors.FormRefused
    return given


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """For as long as the browser runs, for this service alone, and for no script."""
    is_secure = request.scope["scheme"] == "https"
    response.set_cookie(name, value, path="/", secure=is_secure, httponly=True, samesite="strict")


def going_back(given: Mapping[str, str]) -> Response:
    """To the page that the form was on."""
    address = given.get(BACK_FIELD, "")
    return RedirectResponse(address if _is_own(address) else "/", 303)


def _parse(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        expected = f"at most {FIELDS_MAX} fields"
        raise errors.ParameterInvalid(parameter="The form", found="too long", expected=expected) from None


def _is_own(address: str) -> bool:
    if not address.startswith("/") or address.startswith("//") or _NOT_IN_ADDRESSES.search(address):
        return False
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc
