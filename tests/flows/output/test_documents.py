"""Set-wise documents are those that a real-time post of the same record gets (S11, S12)."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import ibis
import orjson
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from tests import make
from topcoat.clock import to_microseconds
from topcoat.core import catalog, mapping
from topcoat.core.catalog import Column, ColumnType
from topcoat.flows.refresh.output import activities, snapshot_rows
from topcoat.store.staging import KEY_RING

TABLE = make.source_table(
    columns=(
        Column("Id", is_key=True, is_mandatory=True),
        Column("Member"),
        Column("At", ColumnType.DATE_TIME),
        Column("Amount", ColumnType.DECIMAL),
        Column("Quantity", ColumnType.INTEGER),
        Column("IsGift", ColumnType.BOOLEAN),
        Column("Due", ColumnType.DATE),
        Column('Say "so"'),
        Column("customer_id"),
    ),
    activity=make.activity_configuration(
        timestamp="At", customer_column="Member", event="Amount", title="Due", detail="IsGift", url='Say "so"'
    ),
)
TYPES = {
    ColumnType.STRING: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.DATE_TIME: pa.timestamp("us"),
}
# Many records an example: an engine's question takes long to begin. To shrink such a list takes minutes.
FOUND = [Phase.explicit, Phase.reuse, Phase.generate]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.text('\\u01aAbB"\x0b\x1f\n')
instants = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)) | st.datetimes().map(
    lambda instant: instant.replace(microsecond=0)
)
records = st.fixed_dictionaries(
    {
        "Member": st.sampled_from(["m-1", "m-2"]),
        "At": instants,
        "Amount": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "Quantity": st.none() | st.integers(-(2**63), 2**63 - 1),
        "IsGift": st.none() | st.booleans(),
        "Due": st.none() | st.dates(),
        'Say "so"': st.none() | texts,
        "customer_id": st.none() | texts,
    }
)


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    opened = ibis.duckdb.connect()
    yield opened
    opened.disconnect()


def frame(backend: Backend, name: str, rows: Sequence[dict[str, Any]], table: catalog.Table = TABLE) -> Any:
    schema = pa.schema([(column.name, TYPES[column.type]) for column in table.columns])
    return backend.create_table(name, pa.Table.from_pylist(rows, schema=schema), overwrite=True)


def key_ring(backend: Backend, **customers: str) -> Any:
    rows = [
        {"source_table": "LoyaltyScheme_loyCustomers", "source_key": key, "customer_id": customer}
        for key, customer in customers.items()
    ]
    schema = pa.schema([(name, pa.string()) for name in KEY_RING.key])
    return backend.create_table("key_ring", pa.Table.from_pylist(rows, schema=schema), overwrite=True)


def finished(rows: snapshot_rows.SnapshotRows) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = rows.finish(rows.frame).to_pyarrow().to_pylist()
    return listed


def digests(rows: snapshot_rows.SnapshotRows) -> list[str]:
    return sorted(str(digest) for digest in rows.frame.digest.to_pyarrow().to_pylist())


def configured(**parts: Any) -> catalog.Table:
    assert TABLE.activity is not None
    return replace(TABLE, activity=replace(TABLE.activity, **parts))


def posted(record: dict[str, Any]) -> catalog.Document:
    """What a caller sends, and what is then stored."""
    sent = {
        name: catalog.format_instant(value.replace(tzinfo=UTC))
        if isinstance(value, datetime)
        else value.isoformat()
        if isinstance(value, date)
        else value
        for name, value in record.items()
    }
    return mapping.map_source_record(TABLE, mapping.validate_source_record(TABLE, sent)).document


@settings(max_examples=4, phases=FOUND)
@given(drawn=st.lists(records, min_size=20, max_size=60), prefix=texts)
def test_a_pulled_record_and_a_posted_one_are_one_activity(
    backend: Backend, drawn: list[dict[str, Any]], prefix: str
) -> None:
    """S11, S12."""
    rows = [{"Id": f"{prefix}{number}"} | record for number, record in enumerate(drawn)]
    ring = key_ring(backend, **{"m-1": "a", "m-2": "b"})

    made = finished(activities.activity_rows(TABLE, frame(backend, "pulled", rows), ring))

    expected = {document["ActivityId"]: document for document in map(posted, rows)}
    assert {row["activity_id"]: json.loads(row["document"]) for row in made} == expected
    for row in made:
        instant = catalog.parse_instant(expected[row["activity_id"]]["ActivityTime"])
        assert row["activity_time"] == to_microseconds(instant)
        assert (row["activity_type"], row["source_table"]) == ("SalesOrder", TABLE.name)


def test_records_of_strangers_and_without_a_time_become_no_activity(backend: Backend) -> None:
    rows: list[dict[str, Any]] = [
        {"Id": "1", "Member": "m-1", "At": datetime(2026, 1, 1)},
        {"Id": "2", "Member": "m-9", "At": datetime(2026, 1, 1)},
        {"Id": "3", "Member": None, "At": datetime(2026, 1, 1)},
        {"Id": "4", "Member": "m-1", "At": None},
    ]
    pulled, ring = frame(backend, "pulled", rows), key_ring(backend, **{"m-1": "a"})

    made = finished(activities.activity_rows(TABLE, pulled, ring))

    assert [(row["customer_id"], json.loads(row["document"])["ActualActivityId"]) for row in made] == [("a", "1")]


def test_a_digest_is_another_when_a_value_the_customer_the_key_or_the_configuration_is(backend: Backend) -> None:
    """S21."""
    record: dict[str, Any] = {"Id": "1", "Member": "m-1", "At": datetime(2026, 1, 1)}
    pulled = frame(backend, "pulled", [record | {"customer_id": "x"}])
    moved = frame(backend, "moved", [record | {'Say "so"': "x"}])
    ring = key_ring(backend, **{"m-1": "a"})
    renamed, hidden = configured(name="Sale"), configured(is_shown=False)
    keyed = replace(TABLE, primary_key="Member")

    first, again, hid = (digests(activities.activity_rows(table, pulled, ring)) for table in (TABLE, TABLE, hidden))
    others = [
        digests(activities.activity_rows(TABLE, moved, ring)),
        digests(activities.activity_rows(TABLE, pulled, ring.mutate(customer_id=ring.customer_id + "!"))),
        digests(activities.activity_rows(renamed, pulled, ring)),
        digests(activities.activity_rows(keyed, pulled, ring)),
    ]

    assert first == again == hid
    assert len({str(d) for d in [first, *others]}) == 5
    kept, otherwise = (digests(snapshot_rows.source_rows(pulled, table)) for table in (TABLE, keyed))
    assert kept != otherwise


@settings(max_examples=4, phases=FOUND)
@given(drawn=st.lists(records, min_size=20, max_size=60))
def test_a_kept_record_is_the_document_without_its_nulls(backend: Backend, drawn: list[dict[str, Any]]) -> None:
    rows: list[dict[str, Any]] = [{"Id": f"{number}"} | record for number, record in enumerate(drawn)]

    made = finished(snapshot_rows.source_rows(frame(backend, "kept", rows), TABLE))

    assert {row["source_table"] for row in made} == {TABLE.name}
    documents = {row["source_key"]: orjson.loads(row["document"]) for row in made}
    assert documents == {row["Id"]: json.loads(posted(row)["SemanticData"]) for row in rows}
