"""What a batch asks for: requests, some of them in changesets, all read before any of them is answered."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from starlette.datastructures import Headers

from topcoat.core.catalog import shown
from topcoat.surfaces.dataverse import multipart
from topcoat.surfaces.dataverse.multipart import BLANK_LINE, CRLF, Part, fault

OPERATIONS_MAX: Final = 1000
ADDRESS_BYTES_MAX: Final = 64 * 1024
BATCH: Final = "$batch"

_METHODS: Final = (b"GET", b"POST", b"PATCH", b"PUT", b"DELETE")
_PLACE: Final = "the batch"
# Clients write addresses as they are, with blanks in them.
_REQUEST_LINE: Final = re.compile(rb"([^ ]+) ([^ ].*) HTTP/1\.1")


@dataclass(frozen=True, slots=True)
class Operation:
    """One request: `address` as it was written, encoded or not; others refer to its record by `$` and `content_id`."""

    method: str
    address: str
    headers: Headers
    body: bytes
    content_id: str | None


@dataclass(frozen=True, slots=True)
class Changeset:
    operations: tuple[Operation, ...]


Item = Operation | Changeset


def read_batch(content_type: str, body: bytes) -> list[Item]:
    """Raise `BatchInvalid`."""
    parts = multipart.read_parts(content_type, body, _PLACE)
    items = [_item(part, f"part {number} of {_PLACE}") for number, part in enumerate(parts, 1)]
    count = len(list(_list_operations(items)))
    if count > OPERATIONS_MAX:
        raise fault(_PLACE, f"has {count} operations; expected at most {OPERATIONS_MAX}")
    return items


def _list_operations(items: Iterable[Item]) -> Iterator[Operation]:
    for item in items:
        yield from item.operations if isinstance(item, Changeset) else (item,)


def _item(part: Part, place: str) -> Item:
    content_type = part.headers.get("content-type", "")
    if not multipart.is_mixed(content_type):
        return _operation(part, place)
    parts = multipart.read_parts(content_type, part.content, place)
    operations = [_change(part, f"part {number} of {place}") for number, part in enumerate(parts, 1)]
    _check_ids(operations, place)
    return Changeset(tuple(operations))


def _change(part: Part, place: str) -> Operation:
    """One of a changeset, which is for writes alone."""
    if multipart.is_mixed(part.headers.get("content-type", "")):
        raise fault(place, "is multipart/mixed inside a changeset, where requests are expected")
    operation = _operation(part, place)
    if operation.method == "GET":
        raise fault(place, "is a GET inside a changeset; expected POST, PATCH, PUT or DELETE")
    return operation


def _check_ids(operations: Sequence[Operation], place: str) -> None:
    known: set[str] = set()
    for operation in operations:
        if operation.content_id in known:
            raise fault(place, f"has the Content-ID '{shown(str(operation.content_id))}' twice; expected it once")
        if operation.content_id is not None:
            known.add(operation.content_id)


def _operation(part: Part, place: str) -> Operation:
    _check_headers(part.headers, place)
    head, _, body = part.content.partition(BLANK_LINE)
    multipart.check_lines(head, place)
    line, *lines = head.removesuffix(CRLF).split(CRLF)
    method, address = _read_request_line(line, place)
    headers = multipart.read_headers(lines, place)
    return Operation(method, address, headers, body, _find_id(part.headers, headers, place))


def _check_headers(headers: Headers, place: str) -> None:
    for name, expected in (("Content-Type", "application/http"), ("Content-Transfer-Encoding", "binary")):
        found = headers.get(name, "")
        if found.partition(";")[0].strip().lower() != expected:
            given = f"the {name} '{shown(found)}'" if found else f"no {name}"
            raise fault(place, f"has {given}; expected {expected}")


def _read_request_line(line: bytes, place: str) -> tuple[str, str]:
    found = _REQUEST_LINE.fullmatch(line)
    if found is None or found[1] not in _METHODS:
        given = shown(line.decode(errors="replace"))
        raise fault(place, f"begins with '{given}'; expected GET, POST, PATCH, PUT or DELETE, an address and HTTP/1.1")
    if len(found[2]) > ADDRESS_BYTES_MAX:
        raise fault(place, f"has an address of {len(found[2])} bytes; expected at most {ADDRESS_BYTES_MAX}")
    try:
        address = found[2].decode()
    except UnicodeDecodeError:
        raise fault(place, "has an address that is not UTF-8") from None
    if unquote(address.partition("?")[0]).rstrip("/").endswith(BATCH):
        raise fault(place, "is a batch itself; batches are not nested")
    return found[1].decode(), address


def _find_id(outer: Headers, inner: Headers, place: str) -> str | None:
    """Clients have it beside the Content-Type of the part; older ones among the headers of the request."""
    content_id = outer.get("content-id") or inner.get("content-id")
    if content_id is not None and not _CONTENT_ID.fullmatch(content_id):
        raise fault(place, f"has the Content-ID '{shown(content_id)}'; expected letters, digits, '.', '_', '~' or '-'")
    return content_id


_CONTENT_ID: Final = re.compile(r"[\w.~-]{1,100}", re.ASCII)
