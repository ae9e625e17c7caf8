"""Query parameters of the API, each at most once."""

from collections.abc import Mapping
from typing import Any, Final

from topcoat.core import catalog, errors
from topcoat.core.odata import address
from topcoat.flows import ingest

_DIGITS_MAX: Final = 9
_BOOLEANS: Final = {"true": True, "false": False}


def list_items(scope: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values as written, decoded."""
    raw: bytes = scope["query_string"]
    return address.parse_query_string(address.ascii_query(raw)) if raw else []


def find_text(items: list[tuple[str, str]], name: str) -> str | None:
    """Names are matched without regard to case; other names are nobody's business."""
    values = [value for key, value in items if key.casefold() == name.casefold()]
    if len(values) > 1:
        raise errors.ParameterInvalid(parameter=name, found=f"given {len(values)} times", expected="at most one")
    return values[0] if values else None


def get_text(items: list[tuple[str, str]], name: str, expected: str) -> str:
    """A parameter that must be there; `expected` says what it is."""
    text = find_text(items, name)
    if not text:
        raise errors.ParameterInvalid(parameter=name, found="missing", expected=expected)
    return text


def get_id(items: list[tuple[str, str]], name: str, expected: str) -> str:
    """The same, where it must be an id that a profile can have."""
    text = get_text(items, name, expected)
    if not catalog.check_id(text):
        form = f"{expected}: 1 to {catalog.ID_LENGTH_MAX} characters without control characters"
        raise errors.ParameterInvalid(parameter=name, found=f"'{catalog.shown(text)}'", expected=form)
    return text


def read_boolean(items: list[tuple[str, str]], name: str, *, default: bool = False) -> bool:
    """The default where it is not given."""
    text = find_text(items, name)
    if text is None:
        return default
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise errors.ParameterInvalid(parameter=name, found=f"'{catalog.shown(text)}'", expected="true or false")
    return value


def find_integer(items: list[tuple[str, str]], name: str, *, most: int) -> int | None:
    """From 1 to `most`; None where it is not given."""
    text = find_text(items, name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS_MAX or not 1 <= int(text) <= most:
        expected = f"an integer from 1 to {most}"
        raise errors.ParameterInvalid(parameter=name, found=f"'{catalog.shown(text)}'", expected=expected)
    return int(text)


def read_caller(items: list[tuple[str, str]]) -> str | None:
    """Who a write is on behalf of, in the caller's own words."""
    return ingest.checked_caller(find_text(items, "caller"))
