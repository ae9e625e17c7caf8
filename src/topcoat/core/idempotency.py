"""A caller's key for a write, under which it happens once, however often it is sent."""

import hashlib
from dataclasses import dataclass
from typing import Final

_DIGEST_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Digests: `key` of who sent which key, `request` of what was asked under it."""

    key: str
    request: str


def request_key(*, principal: str, key: str, request: tuple[bytes, ...]) -> RequestKey:
    """Keys of different principals are different keys; equal parts of a request make equal requests."""
    return RequestKey(_digest(principal.encode(), key.encode()), _digest(*request))


def _digest(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)  # so that parts do not flow into one another
    return digest.hexdigest()
