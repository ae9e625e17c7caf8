"""The ledgers of limited callers: read, and written if nobody else wrote meanwhile."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.limits import Ledger, Running, Slot
from topcoat.store.engine import dump_json, load_json
from topcoat.store.point import PointConnection, PointStatement

_VERSION_BITS: Final = 62


@dataclass(frozen=True, slots=True)
class KeptLedger:
    """`version` is 0 where nothing was written yet."""

    version: int
    ledger: Ledger


async def read_ledger(connection: PointConnection, caller: str) -> KeptLedger:
    rows = await connection.fetch_point(_READ, {"caller": caller})
    return KeptLedger(rows[0][0], _load(load_json(rows[0][1]))) if rows else KeptLedger(0, Ledger())


async def write_ledger(
    connection: PointConnection, caller: str, ledger: Ledger, *, seen: int, kept_until: datetime
) -> KeptLedger | None:
    """None where it is not the version seen any more."""
    version = 1 + secrets.randbits(_VERSION_BITS)  # a row that was pruned and made anew has none that was seen before
    values = {
        "caller": caller,
        "version": version,
        "seen": seen,
        "document": dump_json(_dump(ledger)),
        "kept_until": to_microseconds(kept_until),
    }
    rows = await connection.fetch_point(_WRITE, values)
    return KeptLedger(version, ledger) if rows else None


async def prune_ledgers(connection: PointConnection, now: datetime) -> int:
    """Delete those that say nothing any more."""
    return len(await connection.fetch_point(_PRUNE, {"now": to_microseconds(now)}))


def _dump(ledger: Ledger) -> dict[str, Any]:
    return {
        "slots": [[to_microseconds(s.start), s.calls, s.milliseconds] for s in ledger.slots],
        "running": {name: [r.calls, to_microseconds(r.heard_until)] for name, r in ledger.running.items()},
    }


def _load(document: dict[str, Any]) -> Ledger:
    return Ledger(
        tuple(Slot(from_microseconds(start), calls, spent) for start, calls, spent in document["slots"]),
        {name: Running(calls, from_microseconds(until)) for name, (calls, until) in document["running"].items()},
    )


_READ: Final = PointStatement("SELECT version, document FROM call_ledger WHERE caller = :caller")
_WRITE: Final = PointStatement("""
INSERT INTO call_ledger (caller, version, document, kept_until) VALUES (:caller, :version, :document, :kept_until)
ON CONFLICT (caller) DO UPDATE
SET version = excluded.version, document = excluded.document, kept_until = excluded.kept_until
WHERE call_ledger.version = :seen
RETURNING version
""")
_PRUNE: Final = PointStatement("DELETE FROM call_ledger WHERE kept_until <= :now RETURNING caller")
