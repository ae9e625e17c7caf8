"""Addresses inside bodies, of requests of a batch and of records: of this service and this instance, or refused."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from topcoat.core import errors
from topcoat.core.catalog import shown

_ABSOLUTE: Final = re.compile(r"(https?)://([^/]*)(.*)", re.IGNORECASE | re.DOTALL)
_REFERENCE: Final = re.compile(r"\$([\w.~-]+)", re.ASCII)
_PORTS: Final = {"http": ":80", "https": ":443"}


def resolve(address: str, service: str, references: Mapping[str, str]) -> tuple[str, str]:
    """The decoded path behind the service's own address, and the query as it was written.

    `references` are addresses of records by Content-ID: `$1` stands for one, alone or as the beginning.
    """
    target, _, query = _dereferenced(address, references).partition("?")
    rest = _find_rest(target, service)
    if rest is None:
        raise errors.OptionInvalid(option=f"The address '{shown(address)}'", reason=f"is not under {service}")
    try:
        return unquote_to_bytes(rest.removeprefix("/")).decode(), query
    except UnicodeDecodeError:
        raise errors.OptionInvalid(option=f"The address '{shown(address)}'", reason="is not UTF-8") from None


def root_of(service: str) -> str:
    """The path of the service's address."""
    return _parted(service)[1]


def _dereferenced(address: str, references: Mapping[str, str]) -> str:
    found = _REFERENCE.match(address)
    if found is None:
        return address
    if found[1] in references:
        return references[found[1]] + address[found.end() :]
    if found[1].isdigit():
        reason = "does not exist in the batch context; expected one of a write before it that went well"
        raise errors.OptionInvalid(option=f"Content-ID Reference: '{shown(found[0])}'", reason=reason)
    return address


def _find_rest(target: str, service: str) -> str | None:
    authority, root = _parted(service)
    if _ABSOLUTE.fullmatch(target):
        found, target = _parted(target)
        if found != authority:
            return None
    elif not target.startswith("/"):
        return target
    rest = target[len(root) :]
    return rest if target[: len(root)].lower() == root.lower() and rest[:1] in ("", "/") else None


def _parted(address: str) -> tuple[str, str]:
    """Host and port, without the usual one, and the path; http or https is not told apart, as behind a proxy."""
    found = _ABSOLUTE.fullmatch(address)
    assert found is not None  # the callers know
    return found[2].lower().removesuffix(_PORTS[found[1].lower()]), found[3]
