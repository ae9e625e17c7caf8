"""What becomes visible, as it is announced inside the transaction that makes it so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

CHANNEL: Final = "topcoat_changes"
PAYLOAD_BYTES_MAX: Final = 7900
"""PostgreSQL takes less than 8,000."""


@dataclass(frozen=True, slots=True)
class Change:
    """Of profiles of an instance, under the ids that writes named; None for all of them, and for all instances.

    `sequence` is that of the last write, where there were any.
    """

    instance_id: int | None = None
    customer_ids: frozenset[str] | None = None
    sequence: int | None = None


Hearer = Callable[[Change], None]


class Hearers:
    """Who is told within this process."""

    def __init__(self) -> None:
        self._hearers: set[Hearer] = set()

    def add(self, hearer: Hearer) -> None:
        self._hearers.add(hearer)

    def remove(self, hearer: Hearer) -> None:
        self._hearers.discard(hearer)

    def tell(self, change: Change) -> None:
        for hearer in list(self._hearers):
            hearer(change)


def notice_sql(change: Change) -> str:
    """For PostgreSQL, a statement without parameters that takes effect with the commit."""
    payload = write_payload(change).replace("'", "''")
    return f"SELECT pg_notify('{CHANNEL}', '{payload}')"


def write_payload(change: Change) -> str:
    """Too many ids are everybody."""
    ids = None if change.customer_ids is None else sorted(change.customer_ids)
    payload = orjson.dumps([change.instance_id, ids, change.sequence])
    if len(payload) > PAYLOAD_BYTES_MAX:
        payload = orjson.dumps([change.instance_id, None, change.sequence])
    return payload.decode()


def read_payload(payload: str) -> Change:
    instance_id, ids, sequence = orjson.loads(payload)
    return Change(instance_id, None if ids is None else frozenset(ids), sequence)
