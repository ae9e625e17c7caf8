"""Codes that whoever signed in brings back, each of them once: only their digests are kept."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.sign_in import Authorization
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json

KEPT_AFTER_EXPIRY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Redeemed:
    authorization: Authorization
    expires_at: datetime


async def save_code(
    connection: WriteConnection, digest: str, authorization: Authorization, *, now: datetime, expires_at: datetime
) -> None:
    """And forget those that expired long ago."""
    await connection.run(_FORGET, {"expired": to_microseconds(now - KEPT_AFTER_EXPIRY)})
    document = dump_json(asdict(authorization))
    await connection.run(_SAVE, {"digest": digest, "document": document, "expires_at": to_microseconds(expires_at)})


async def redeem_code(connection: WriteConnection, digest: str, now: datetime) -> Redeemed | None:
    """None for one that is not known, or that was redeemed already."""
    row = await connection.fetch_one(_REDEEM, {"digest": digest, "now": to_microseconds(now)})
    if row is None:
        return None
    return Redeemed(Authorization(**load_json(row.document)), from_microseconds(row.expires_at))


async def is_known(connection: ReadConnection, digest: str) -> bool:
    return await connection.fetch_one(_FIND, {"digest": digest}) is not None


_FORGET = text("DELETE FROM authorization_code WHERE expires_at < :expired")
_SAVE = text(
    "INSERT INTO authorization_code (code_digest, document, expires_at) VALUES (:digest, :document, :expires_at)"
)
_REDEEM = text("""
UPDATE authorization_code SET redeemed_at = :now WHERE code_digest = :digest AND redeemed_at IS NULL
RETURNING document, expires_at
""")
_FIND = text("SELECT 1 FROM authorization_code WHERE code_digest = :digest")
