"""What came out as rows of the snapshot: the same documents, and digests of them, that `store/staging.py` stages."""

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import ibis
import pyarrow
from ibis.expr import types as ir

from topcoat.core import mapping
from topcoat.core.catalog import CUSTOMER_ID, Column
from topcoat.flows.refresh.compute.records import CUSTOMER, VALUE, join_all
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output import documents, functions, snapshot_rows
from topcoat.flows.refresh.output.snapshot_rows import SnapshotRows
from topcoat.store.staging import MEASURES, MEMBERSHIPS

SEGMENTS_MAX: Final = 100
"""Of one part of the memberships, which Ibis puts together as one statement."""


def measure_rows(engine: Engine, customers: ir.Table, measures: Mapping[Column, ir.Table]) -> list[SnapshotRows]:
    """A document for each customer who has any of the measures."""
    if not measures:
        return []
    names = {column: f"value_{place}" for place, column in enumerate(measures)}
    beside = (table.rename({names[column]: VALUE}) for column, table in measures.items())
    joined = join_all(engine, "measured", customers, beside)
    measured = joined.filter(functools.reduce(operator.or_, (joined[name].notnull() for name in names.values())))
    values = {column: documents.json_of(measured[name], column.type) for column, name in names.items()}
    members = {column.name: value for column, value in values.items()}
    document = documents.json_object(members | {CUSTOMER_ID: functions.to_json(measured[CUSTOMER])})
    kept = engine.keep("measure_documents", measured.select(CUSTOMER, document=document))
    frame = engine.keep("measure_rows", kept.mutate(digest=_digest(kept.document).cast("uuid")))
    return [SnapshotRows(frame, lambda rows: rows.select(*MEASURES.columns), MEASURES.key)]


def membership_rows(members: Mapping[str, ir.Table]) -> list[SnapshotRows]:
    """With the row by which each segment exists, be it without members."""
    if not members:
        return []
    declared = ibis.memtable([(segment, "") for segment in members], columns=list(MEMBERSHIPS.key))
    named = [
        table.select(segment=ibis.literal(segment), **{CUSTOMER: table[CUSTOMER]}) for segment, table in members.items()
    ]
    return [snapshot_rows.key_rows(frame, MEMBERSHIPS) for frame in (declared, *_united(named))]


def _united(frames: Sequence[ir.Table]) -> list[ir.Table]:
    starts = range(0, len(frames), SEGMENTS_MAX)
    return [ibis.union(*frames[start : start + SEGMENTS_MAX]) for start in starts]


def _digest_all(texts: Any) -> Any:
    digests = (mapping.document_digest(text.encode()).hex() for text in texts.to_pylist())
    return pyarrow.array(digests, pyarrow.string())


_digest: Final[Callable[..., Any]] = ibis.udf.scalar.pyarrow(
    _digest_all, name="document_digest", signature=(("string",), "string")
)
