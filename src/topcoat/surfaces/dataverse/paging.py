"""Where a page goes on: an address that callers send back as it is, with a cookie shaped as the vendor's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, unquote

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core import errors

_SAFE: Final = "/()'$,="
_COOKIE: Final = re.compile(r'<cookie pagenumber="([0-9]{1,9})" pagingcookie="([\w.%-]+)" istracking="False" />')


@dataclass(frozen=True, slots=True)
class Cookie:
    """`now` is the instant of the first page, which relative dates go on to be relative to."""

    number: int
    token: str
    now: datetime


def read_cookie(text: str) -> Cookie:
    """Raise `ContinuationInvalid`."""
    found = _COOKIE.fullmatch(text)
    token, _, now = unquote(found[2]).rpartition(".") if found else ("", "", "")
    if found is None or not token or not now.isdigit() or len(now) > 18:
        raise errors.ContinuationInvalid(reason="it is not one that this service gave out")
    return Cookie(int(found[1]), token, from_microseconds(int(now)))


def next_link(
    address: str, path: str, items: Sequence[tuple[str, str]], token: str, *, page: int, now: datetime
) -> str:
    """An absolute address: clients follow no other."""
    paging = quote(f"{token}.{to_microseconds(now)}", safe="")
    cookie = f'<cookie pagenumber="{page}" pagingcookie="{paging}" istracking="False" />'
    kept = [item for item in items if item[0] != "$skiptoken"]
    query = "&".join(f"{quote(name, safe='$@')}={quote(value, safe='')}" for name, value in kept)
    return f"{address}/{quote(path, safe=_SAFE)}?{query}{'&' if query else ''}$skiptoken={quote(cookie, safe='')}"
