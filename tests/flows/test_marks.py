"""What is kept of a database that has a watermark: rows and mark in one file, of use to one definition alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import ibis
import pytest
from ibis.backends.duckdb import Backend

from topcoat.core.catalog import ActivityConfiguration, Column, ColumnType, Table, TableKind
from topcoat.flows.refresh.pull import marks
from topcoat.flows.refresh.pull.marks import KeptRows, Mark
from topcoat.flows.refresh.source_places import DatabaseSource

SOURCE = DatabaseSource("postgresql://bob:secret@host/db", table="accounts", watermark="On")
TABLE = Table("CRM_accounts", TableKind.SOURCE, (Column("Id"), Column("Name")), primary_key="Id")


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    opened = ibis.duckdb.connect()
    yield opened
    opened.disconnect()


def keep(backend: Backend, kept: KeptRows, mark: Mark | None) -> None:
    kept.keep(backend, ibis.memtable({"Id": ["a"]}), mark)


@pytest.mark.parametrize(
    "mark",
    [
        7,
        2.5,
        Decimal("10.50"),
        'it\'s 10% \\ "quoted" – {a: 1}',
        date(2026, 1, 1),
        datetime(2026, 1, 1, 12, 0, 0, 1),
        datetime(2026, 1, 1, 12, tzinfo=UTC),
        None,
    ],
)
def test_a_mark_is_kept_as_it_is(backend: Backend, tmp_path: Path, mark: Mark | None) -> None:
    kept = KeptRows.of(tmp_path, TABLE, SOURCE)

    keep(backend, kept, mark)

    assert kept.find_mark() == mark
    assert type(kept.find_mark()) is type(mark)
    assert kept.rows(backend).to_pyarrow().to_pylist() == [{"Id": "a"}]
    assert list(tmp_path.iterdir()) == [kept.file]


ACTIVITY = ActivityConfiguration("Visit", "Visit", "Id", "Id", "CRM_accounts", time_zone="Europe/Oslo")


@pytest.mark.parametrize(
    ("table", "source", "is_of_use"),
    [
        (TABLE, replace(SOURCE, url="postgresql://bob:another@host/db"), True),
        (TABLE, replace(SOURCE, url="postgresql://bob:secret@host/other"), False),
        (TABLE, replace(SOURCE, table="crm.accounts"), False),
        (TABLE, replace(SOURCE, table=None, query="SELECT 1"), False),
        (TABLE, replace(SOURCE, watermark="Id"), False),
        (replace(TABLE, primary_key="Name"), SOURCE, False),
        (replace(TABLE, columns=(Column("Id"), Column("Name", ColumnType.INTEGER))), SOURCE, False),
        (replace(TABLE, activity=ACTIVITY), SOURCE, False),
    ],
)
def test_what_was_kept_is_of_use_to_the_same_definition_whatever_the_password(
    backend: Backend, tmp_path: Path, table: Table, source: DatabaseSource, is_of_use: bool
) -> None:
    keep(backend, KeptRows.of(tmp_path, TABLE, SOURCE), 7)

    assert (KeptRows.of(tmp_path, table, source).find_mark() == 7) is is_of_use


def test_what_is_broken_or_gone_counts_as_lost(tmp_path: Path) -> None:
    kept = KeptRows.of(tmp_path, TABLE, SOURCE)
    assert kept.find_mark() is None

    kept.file.write_bytes(b"PAR1 broken")

    assert kept.find_mark() is None


def test_marks_are_alike_where_a_database_can_compare_them() -> None:
    naive, aware = datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)

    assert marks.are_alike(naive, datetime(2025, 1, 1))
    assert not marks.are_alike(naive, aware)
    assert not marks.are_alike(naive, date(2026, 1, 1))
    assert not marks.are_alike(1, "1")
    assert not marks.are_alike(1, None)
