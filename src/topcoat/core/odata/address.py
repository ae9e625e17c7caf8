"""What a read is addressed to: the part before the question mark, and the items after it."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from topcoat.core import errors
from topcoat.core.catalog import shown
from topcoat.core.odata.lexer import QUOTES, Cursor, Kind, check_text, read_string

ITEMS_MAX: Final = 200

_ADDRESS: Final = "the address"
_QUERY: Final = "The query string"

_ASCII: Final = bytes(range(128))
_TABLE: Final = re.compile(rf"[^()/?$=,;\"'{QUOTES}]++")
_QUOTED: Final = rf"'[^']*+(?:'|\Z)|[{QUOTES}][^{QUOTES}]*+(?:[{QUOTES}]|\Z)"
_PATH: Final = re.compile(rf"(?:[^?'{QUOTES}]++|{_QUOTED})*+")
_ITEM: Final = re.compile(rf"(?:[^&'{QUOTES}]++|{_QUOTED})*+")
# An apostrophe is a character like any other in $search, where double quotes hold phrases.
_SEARCH: Final = re.compile(r"\s*\$?search\s*=", re.IGNORECASE)
_SEARCH_ITEM: Final = re.compile(r'(?:[^&"]++|"(?:[^"\\]|\\.)*+(?:"|\Z))*+', re.DOTALL)
_BROKEN_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RecordAddress:
    """`key_column` is there where the key was named: `Customer(CustomerId='…')`."""

    table: str
    key: str | None = None
    navigation: str | None = None
    is_count: bool = False
    key_column: str | None = None


def parse_address(text: str) -> RecordAddress:
    """Read a decoded path such as `Customer('id')/UnifiedActivity`; whether its parts exist is not asked here."""
    check_text(text, _ADDRESS)
    match = _TABLE.match(text)
    table = "" if match is None else match[0]
    if table == text and table:
        return RecordAddress(table)
    cursor = Cursor(text, _ADDRESS, start=len(table))
    if not table:
        raise cursor.failure("the name of a table")
    column, key = _read_key(cursor)
    navigation = None if key is None else _find_navigation(cursor)
    is_count = _is_count(cursor) if key is None or navigation is not None else False
    cursor.expect_end("'?'" if is_count else "'?', '(', '/'")
    return RecordAddress(table, key, navigation, is_count, column)


def split_query(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Split a decoded `Customer?$filter=…&$top=5`, as the published client packs it into one path segment.

    Marks inside quotes are text, because the caller's own encoding of them is lost.
    """
    path = _PATH.match(text)
    assert path is not None  # it matches nothing, too
    items = []
    at = path.end() + 1
    while at <= len(text):
        item = (_SEARCH_ITEM if _SEARCH.match(text, at) else _ITEM).match(text, at)
        assert item is not None  # likewise
        name, _, value = item[0].partition("=")
        if item[0]:
            items.append((name, value))
        at = item.end() + 1
    return path[0], _limited(items)


def ascii_query(raw: bytes) -> str:
    """A query string for `parse_query_string`: bytes that came unescaped are read, or refused, as if they had been
    escaped."""
    return quote(raw, safe=_ASCII)


def parse_query_string(raw: str) -> list[tuple[str, str]]:
    """Decode the items of an address as it came over the wire: UTF-8 behind `%`, `+` for a blank.

    Bytes that came unescaped and are not UTF-8 may stand in `raw` as surrogates; they are refused.
    """
    items = []
    for item in raw.split("&"):
        name, _, value = item.partition("=")
        if item:
            items.append((_decoded(name, _QUERY), _decoded(value, shown(name))))
    return _limited(items)


def _read_key(cursor: Cursor) -> tuple[str | None, str | None]:
    """The name and the value between parentheses, if there are any."""
    if not cursor.skip("("):
        return None, None
    column = None
    if cursor.kind is Kind.NAME:
        column = cursor.text
        cursor.advance()
        cursor.expect("=")
    if cursor.kind is not Kind.STRING:
        raise cursor.failure("an id in quotes")
    key = read_string(cursor.text)
    cursor.advance()
    cursor.expect(")")
    return column, key


def _find_navigation(cursor: Cursor) -> str | None:
    if not cursor.skip("/"):
        return None
    if cursor.kind is not Kind.NAME:
        raise cursor.failure("the name of what belongs to the record")
    name = cursor.text
    cursor.advance()
    return name


def _is_count(cursor: Cursor) -> bool:
    if not cursor.skip("/"):
        return False
    cursor.expect("$count")
    return True


def _decoded(text: str, option: str) -> str:
    if "%" not in text and "+" not in text and text.isascii():
        return text
    broken = _BROKEN_ESCAPE.search(text)
    if broken is not None:
        reason = f"is encoded badly: '{shown(broken[0])}' is no % with two hexadecimal digits"
        raise errors.OptionInvalid(option=option, reason=reason)
    data = unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogatepass"))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        reason = f"is encoded badly: %{data[error.start]:02X} is not UTF-8 there"
        raise errors.OptionInvalid(option=option, reason=reason) from None


def _limited(items: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if len(items) > ITEMS_MAX:
        raise errors.OptionInvalid(option=_QUERY, reason=f"has {len(items)} items; at most {ITEMS_MAX} are read")
    return items
