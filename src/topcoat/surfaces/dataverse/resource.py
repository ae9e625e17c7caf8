"""What a request is addressed to, behind `/api/data/v9.2/`: sets, keys, and what follows them."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from topcoat.core import errors
from topcoat.core.catalog import shown
from topcoat.core.odata.lexer import read_string

SEGMENTS_MAX: Final = 8

_SEGMENT: Final = re.compile(r"([$\w.]++)(?:\(((?:[^()']++|'[^']*+')*+)\))?(?:/|\Z)")
_GUID: Final = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_ARGUMENT: Final = re.compile(r"\s*+(?:(\w++)\s*+=\s*+)?('[^']*+(?:''[^']*+)*+'|[^',\s]++)\s*+(?:,|\Z)")


@dataclass(frozen=True, slots=True)
class Segment:
    """`guid` is the key where a GUID stands alone; `arguments` are those with names, strings without their quotes.

    `has_parentheses` tells `WhoAmI()` from `WhoAmI`.
    """

    name: str
    guid: uuid.UUID | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    has_parentheses: bool = False

    @property
    def has_key(self) -> bool:
        return self.guid is not None or bool(self.arguments)


def parse_segments(path: str) -> list[Segment]:
    """Read a decoded path; empty for the service document. Raise `AddressNotFound`, or `OptionInvalid` for a key."""
    segments: list[Segment] = []
    at = 0
    path = path.rstrip("/")
    while at < len(path):
        found = _SEGMENT.match(path, at)
        if found is None or len(segments) == SEGMENTS_MAX:
            raise not_found(path[at:])
        segments.append(_segment(found[1], found[2]))
        at = found.end()
    return segments


def read_guid(text: str) -> uuid.UUID | None:
    """With or without braces or quotes around it."""
    found = _GUID.fullmatch(text.strip("'"))
    return None if found is None else uuid.UUID(found[1])


def not_found(segment: str) -> errors.SegmentNotFound:
    return errors.SegmentNotFound(segment=shown(segment))


def _segment(name: str, inside: str | None) -> Segment:
    if inside is None or not inside.strip():
        return Segment(name, has_parentheses=inside is not None)
    guid = read_guid(inside.strip())
    if guid is not None:
        return Segment(name, guid, has_parentheses=True)
    return Segment(name, arguments=_arguments(name, inside), has_parentheses=True)


def _arguments(name: str, inside: str) -> dict[str, str]:
    """Names and values with commas between them."""
    arguments: dict[str, str] = {}
    at = 0
    while at < len(inside):
        found = _ARGUMENT.match(inside, at)
        if found is None or found[1] is None or found[1] in arguments:
            expected = "a GUID without quotes, or keys by name such as (msdynci_customerid='…')"
            raise errors.OptionInvalid(option=f"The key of {name}", reason=f"is ({shown(inside)}); expected {expected}")
        value = found[2]
        arguments[found[1]] = read_string(value) if value.startswith("'") else value
        at = found.end()
    return arguments
