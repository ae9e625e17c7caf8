"""Multipart bodies (RFC 2046): lines end with CRLF and with nothing else, as Dataverse insists."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers

from topcoat.core import errors
from topcoat.core.catalog import shown

CRLF: Final = b"\r\n"
BLANK_LINE: Final = CRLF + CRLF
MIXED: Final = "multipart/mixed"

_BOUNDARY: Final = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)
_BOUNDARY_TEXT: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_LONE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_LONE_FOUND: Final = "has a line that ends with LF or CR alone; expected CRLF"
_NAME: Final = re.compile(rb"[0-9A-Za-z!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Part:
    """What stands between two delimiters: headers, and what follows the blank line behind them."""

    headers: Headers
    content: bytes


def is_mixed(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == MIXED


def read_parts(content_type: str, body: bytes, place: str) -> list[Part]:
    """Those of a body of that type, at least one; raise `BatchInvalid`, which names the place."""
    boundary = _read_boundary(content_type, place)
    sections = _split(body, boundary, place)
    if not sections:
        raise fault(place, "has no parts")
    return [_part(section, f"part {number} of {place}") for number, section in enumerate(sections, 1)]


def fault(place: str, reason: str) -> errors.BatchInvalid:
    return errors.BatchInvalid(place=place[0].upper() + place[1:], reason=reason)


def read_headers(lines: Iterable[bytes], place: str) -> Headers:
    raw = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            found = shown(line.decode(errors="replace"))
            raise fault(place, f"has the line '{found}'; expected a header such as Name: value")
        raw.append((name.lower(), value.strip()))
    return Headers(raw=raw)


def check_lines(head: bytes, place: str) -> None:
    if _LONE.search(head):
        raise fault(place, _LONE_FOUND)


def write_headers(headers: Iterable[tuple[str, str]]) -> bytes:
    """Lines, and the blank one behind them."""
    return b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers) + CRLF


def join(parts: Sequence[bytes], boundary: str) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + CRLF + part + CRLF for part in parts) + mark + b"--" + CRLF


def _read_boundary(content_type: str, place: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    boundary = "" if found is None else found[1] or found[2] or ""
    if not is_mixed(content_type) or not _BOUNDARY_TEXT.fullmatch(boundary):
        expected = "multipart/mixed; boundary=… with 1 to 70 letters, digits or marks such as _ and -"
        given = f"the Content-Type '{shown(content_type)}'" if content_type else "no Content-Type"
        raise fault(place, f"has {given}; expected {expected}")
    return boundary.encode()


def _split(body: bytes, boundary: bytes, place: str) -> list[bytes]:
    """What stands between the delimiters; not what comes before the first of them or after the last."""
    delimiter = re.compile(rb"(?:\A|(?<=[\r\n]))--" + re.escape(boundary) + rb"(--)?[ \t]*+(?=[\r\n]|\Z)")
    sections: list[bytes] = []
    begin: int | None = None
    for found in delimiter.finditer(body):
        _check_delimiter(body, found, place)
        if begin is not None:
            sections.append(body[begin : max(begin, found.start() - len(CRLF))])
        if found[1]:
            return sections
        begin = found.end() + len(CRLF)
    mark, does = ("--", "ends") if begin is not None else ("", "begins")
    raise fault(place, f"lacks the line '--{shown(boundary.decode())}{mark}', which {does} its parts")


def _check_delimiter(body: bytes, found: re.Match[bytes], place: str) -> None:
    before = body[max(0, found.start() - len(CRLF)) : found.start()]
    after = body[found.end() : found.end() + len(CRLF)]
    if before not in (b"", CRLF) or after not in (b"", CRLF):
        raise fault(place, _LONE_FOUND)


def _part(section: bytes, place: str) -> Part:
    if section.startswith(CRLF):
        return Part(Headers(), section[len(CRLF) :])
    head, separator, content = section.partition(BLANK_LINE)
    check_lines(head, place)
    if not separator:
        raise fault(place, "has no blank line behind its headers")
    return Part(read_headers(head.split(CRLF), place), content)
