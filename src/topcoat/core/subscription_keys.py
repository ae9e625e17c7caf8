"""The keys that open an instance: only their digests are kept."""

import enum
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

WELL_KNOWN: Final = ("topcoat-primary-key", "topcoat-secondary-key")
_KEY_BYTES: Final = 16


class KeySlot(enum.Enum):
    PRIMARY = "primary"
    SECONDARY = "secondary"


def make_key() -> str:
    """As many random bits as nobody guesses, which is why a plain digest is enough to keep it by."""
    return secrets.token_hex(_KEY_BYTES)


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def is_one_of(key: str, digests: Iterable[bytes]) -> bool:
    """Each comparison takes constant time."""
    digest = digest_of(key)
    for known in digests:  # noqa: SIM110 - a generator takes longer than the digest
        if hmac.compare_digest(digest, known):
            return True
    return False
