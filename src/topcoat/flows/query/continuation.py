"""Continuation tokens: signed, bound to one question, pinning generation, sequence and instant (S25)."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core import errors
from topcoat.core.catalog import Document
from topcoat.core.overlay.override import View

LIFETIME: Final = timedelta(hours=1)
PURPOSE: Final = "continuation"
_SIGNATURE_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Continuation:
    """`record` is of the last record shown what says where it stands; `remaining` is what is left of `$top`."""

    view: View
    record: Document
    remaining: int | None


def sign(continuation: Continuation, *, question: str, secret: bytes, system_now: datetime) -> str:
    """`question` is everything that the next page must ask again, as one text."""
    view = continuation.view
    payload = orjson.dumps(
        [
            view.generation,
            view.sequence,
            to_microseconds(view.now),
            None if view.recorded_until is None else to_microseconds(view.recorded_until),
            to_microseconds(system_now),
            continuation.record,
            continuation.remaining,
        ]
    )
    return base64.urlsafe_b64encode(_signature(payload, question, secret) + payload).decode().rstrip("=")


def verify(token: str, *, question: str, secret: bytes, system_now: datetime) -> Continuation:
    """Raise `ContinuationInvalid` for a token that is forged, of another question, or outlived."""
    try:
        signed = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise errors.ContinuationInvalid(reason="it is not one that this service gave out") from None
    signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(payload, question, secret)):
        raise errors.ContinuationInvalid(reason="it was changed, or belongs to another query")
    generation, sequence, now, recorded_until, issued_at, record, remaining = orjson.loads(payload)
    if system_now - from_microseconds(issued_at) > LIFETIME:
        raise errors.ContinuationInvalid(reason="it is older than one hour; start again from the first page")
    until = None if recorded_until is None else from_microseconds(recorded_until)
    return Continuation(View(generation, sequence, from_microseconds(now), until), record, remaining)


def _signature(payload: bytes, question: str, secret: bytes) -> bytes:
    bound = hashlib.sha256(question.encode("utf-8", "surrogatepass")).digest()
    return hmac.digest(secret, bound + payload, "sha256")[:_SIGNATURE_BYTES]
