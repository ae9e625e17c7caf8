"""Keys as the GUIDs that Dataverse identifies rows by, and back.

A key that is a UUID, with dashes or without, is that GUID. Any other of at most 15 bytes stands in a GUID of version 8
in full, and of a longer one a digest does, which only a search can find again. A scope keeps keys of several tables
apart.
"""

import hashlib
import re
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from topcoat.core import catalog

PACKED_BYTES_MAX: Final = 15
SCOPES_KEPT_MAX: Final = 1000
_HEXADECIMAL: Final = re.compile("[0-9a-f]{32}")
_DASHED: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VERSION: Final = 8
_VARIANT: Final = 0b10
_PACKED, _DIGESTED = 0b01, 0b10
_LOW_BITS: Final = 62
_MIDDLE_BITS: Final = 12


@dataclass(frozen=True, slots=True)
class PossibleKeys:
    """The keys that a GUID may stand for; `is_digest` where it may also be that of a key too long to stand in it."""

    keys: tuple[str, ...]
    is_digest: bool = False


def guid_of(key: str, scope: str = "") -> uuid.UUID:
    return _scoped(_unscoped_guid(key), scope)


def keys_of(guid: uuid.UUID, scope: str = "") -> PossibleKeys:
    """Those whose GUID it is: `guid_of(key, scope) == guid` holds for each."""
    plain = _scoped(guid, scope)
    keys = [plain.hex, str(plain)]
    mark, data = _unpacked(plain)
    if mark == _PACKED:
        keys += _unpacked_key(data)
    return PossibleKeys(tuple(keys), is_digest=mark == _DIGESTED)


def is_digested(key: str) -> bool:
    """Whether no GUID tells this key."""
    is_uuid = _HEXADECIMAL.fullmatch(key) or _DASHED.fullmatch(key)
    return not is_uuid and len(_encoded(key)) > PACKED_BYTES_MAX


def _unscoped_guid(key: str) -> uuid.UUID:
    if _HEXADECIMAL.fullmatch(key) or _DASHED.fullmatch(key):
        return uuid.UUID(key)
    encoded = _encoded(key)
    if len(encoded) <= PACKED_BYTES_MAX:
        return _packed(_PACKED, encoded.ljust(PACKED_BYTES_MAX, b"\0"))
    return _packed(_DIGESTED, hashlib.blake2b(encoded, digest_size=PACKED_BYTES_MAX).digest())


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")


def _unpacked_key(data: bytes) -> list[str]:
    """The one that stands in a GUID, unless none such can be a key."""
    try:
        key = data.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return []
    return [key] if catalog.check_id(key) else []


def _packed(mark: int, data: bytes) -> uuid.UUID:
    """120 bits and two that say what they are, around the version and the variant (RFC 9562, 5.8)."""
    bits = mark << PACKED_BYTES_MAX * 8 | int.from_bytes(data)
    high, rest = bits >> _LOW_BITS + _MIDDLE_BITS, bits & (1 << _LOW_BITS + _MIDDLE_BITS) - 1
    middle, low = rest >> _LOW_BITS, rest & (1 << _LOW_BITS) - 1
    number = ((high << 4 | _VERSION) << _MIDDLE_BITS | middle) << 2 | _VARIANT
    return uuid.UUID(int=number << _LOW_BITS | low)


def _unpacked(guid: uuid.UUID) -> tuple[int, bytes]:
    """The mark and the data; a mark of zero where the GUID is not of our making."""
    number = guid.int
    if guid.version != _VERSION:
        return 0, b""
    low = number & (1 << _LOW_BITS) - 1
    middle = number >> _LOW_BITS + 2 & (1 << _MIDDLE_BITS) - 1
    high = number >> _LOW_BITS + 2 + _MIDDLE_BITS + 4
    bits = (high << _MIDDLE_BITS | middle) << _LOW_BITS | low
    return bits >> PACKED_BYTES_MAX * 8, (bits & (1 << PACKED_BYTES_MAX * 8) - 1).to_bytes(PACKED_BYTES_MAX)


def _scoped(guid: uuid.UUID, scope: str) -> uuid.UUID:
    """Its own inverse."""
    return uuid.UUID(int=guid.int ^ _mask(scope)) if scope else guid


@lru_cache(maxsize=SCOPES_KEPT_MAX)
def _mask(scope: str) -> int:
    return int.from_bytes(hashlib.blake2b(_encoded(scope), digest_size=16).digest())
