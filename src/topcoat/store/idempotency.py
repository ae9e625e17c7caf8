"""What was answered under idempotency keys: kept in the transaction of the write, for as long as the write is live."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from topcoat.clock import Clock, to_microseconds
from topcoat.core import errors
from topcoat.core.catalog import Document
from topcoat.core.idempotency import RequestKey
from topcoat.store import rowset, views
from topcoat.store.engine import dump_json, load_json
from topcoat.store.point import PointConnection, PointStatement, PointWriter


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`document` is that of an activity, as it was answered; `customer_id` is None where it waited."""

    request: str
    customer_id: str | None
    activity_id: str | None
    document: Document | None


@dataclass(frozen=True, slots=True)
class NewAnswer:
    key: RequestKey
    sequence: int
    valid_until: datetime
    customer_id: str | None
    activity_id: str | None = None
    document: Document | None = None


def answer_again(key: RequestKey, kept: KeptAnswer) -> KeptAnswer:
    """Raise `IdempotencyKeyReused` where another request has the key."""
    if kept.request != key.request:
        raise errors.IdempotencyKeyReused
    return kept


async def find_answer(connection: PointConnection, guid: str, key: RequestKey, clock: Clock) -> KeptAnswer | None:
    """That of a write which is live by the service clock."""
    values = views.view_values(guid, clock, None) | {"key": key.key}
    rows = await connection.fetch_point(_FIND, values)
    return _kept(*rows[0][1:]) if rows else None


async def find_answers(
    connection: PointWriter, instance_id: int, now: datetime, keys: Sequence[RequestKey]
) -> dict[str, KeptAnswer]:
    """Those of live writes, by the digests of their keys."""
    rows = await connection.fetch_point(
        _find_among(connection.is_postgresql),
        {"instance_id": instance_id, "now": to_microseconds(now), "ids": dump_json([key.key for key in keys])},
    )
    return {key: _kept(*kept) for key, *kept in rows}


async def keep_answers(connection: PointWriter, instance_id: int, new: Sequence[NewAnswer]) -> None:
    """In place of those that lapsed."""
    values = {"instance_id": instance_id, "rows": dump_json([_row(answer) for answer in new])}
    await connection.fetch_point(_keep(connection.is_postgresql), values)


def _kept(request: str, customer_id: str | None, activity_id: str | None, document: str | None) -> KeptAnswer:
    return KeptAnswer(request, customer_id, activity_id, None if document is None else load_json(document))


def _row(answer: NewAnswer) -> dict[str, Any]:
    return {
        "key_digest": answer.key.key,
        "request_digest": answer.key.request,
        "sequence": answer.sequence,
        "valid_until": to_microseconds(answer.valid_until),
        "customer_id": answer.customer_id,
        "activity_id": answer.activity_id,
        # As a text within the text: the database must not write its numbers in another way.
        "document": None if answer.document is None else dump_json(answer.document),
    }


_COLUMNS: Final = "k.key_digest, k.request_digest, k.customer_id, k.activity_id, k.document"

_FIND: Final = PointStatement(f"""
SELECT {_COLUMNS}
FROM instance i
CROSS JOIN service_clock c
JOIN idempotency_key k ON k.instance_id = i.instance_id
WHERE i.guid = :guid AND k.key_digest = :key
  AND k.valid_until > COALESCE(CAST(:fixed_now AS bigint), c.frozen_at, CAST(:system_now AS bigint) + c.shift)
""")


@cache
def _find_among(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
SELECT {_COLUMNS} FROM idempotency_key k
WHERE k.instance_id = :instance_id AND k.key_digest {rowset.among_ids(is_postgresql=is_postgresql)}
  AND k.valid_until > :now
""")


@cache
def _keep(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    rows = rowset.rows_from_json(rowset.NEW_ANSWER_COLUMNS, is_postgresql=is_postgresql)
    return PointStatement(f"""
INSERT INTO idempotency_key (instance_id, key_digest, request_digest, sequence, valid_until, customer_id, activity_id,
                             document)
SELECT :instance_id, new.key_digest, new.request_digest, new.sequence, new.valid_until, new.customer_id,
       new.activity_id, new.document
FROM {rows} WHERE true
ON CONFLICT (instance_id, key_digest) DO UPDATE
SET request_digest = excluded.request_digest, sequence = excluded.sequence, valid_until = excluded.valid_until,
    customer_id = excluded.customer_id, activity_id = excluded.activity_id, document = excluded.document
""")
