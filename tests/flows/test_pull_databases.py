"""Rows of databases in the engine: typed, judged, and with a watermark only what may be new."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import pytest
from ibis.backends.duckdb import Backend

from tests.conftest import PostgresServer
from topcoat.core import errors
from topcoat.core.catalog import Column, ColumnType, Table, TableKind
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.pull import databases, quarantine
from topcoat.flows.refresh.pull.databases import Pulled
from topcoat.flows.refresh.source_places import DatabaseSource

COLUMNS = {
    "Id": ColumnType.INTEGER,
    "Name": ColumnType.STRING,
    "Spend": ColumnType.DECIMAL,
    "IsMember": ColumnType.BOOLEAN,
    "Born": ColumnType.DATE,
    "ModifiedOn": ColumnType.DATE_TIME,
}
TABLE = Table(
    "CRM_accounts", TableKind.SOURCE, tuple(Column(name, type_) for name, type_ in COLUMNS.items()), primary_key="Id"
)
SCHEMA = "topcoat_test_pulling"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    opened = ibis.duckdb.connect()
    yield opened
    opened.disconnect()


@pytest.fixture
def engine(backend: Backend, tmp_path: Path) -> Engine:
    return Engine(backend, tmp_path)


class Source:
    """An SQLite database with one table, which tests write to."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.place = DatabaseSource(f"sqlite:///{file}", table="accounts")
        self.run("CREATE TABLE accounts (Id, Name, Spend, IsMember, Born, ModifiedOn)")

    def run(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self._file)) as connection, connection:
            connection.execute(statement, values)

    def add(self, id_: object, name: object = "Ann", on: object = "2026-01-01", born: object = "1990-05-01") -> None:
        self.run("INSERT INTO accounts VALUES (?, ?, 2.5, 1, ?, ?)", id_, name, born, on)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path / "source.db")


def pull(engine: Engine, place: DatabaseSource, table: Table = TABLE, share_max: float = 1) -> Pulled:
    engine.backend.drop_table(quarantine.QUARANTINED, force=True)  # each refresh has an engine of its own
    told: list[int] = []
    pulled = databases.pull_table(engine, table, place, told.append, share_max=share_max)
    assert sum(told) == pulled.rows_read
    return pulled


def good(engine: Engine) -> list[dict[str, Any]]:
    return list(engine.table("pulled_CRM_accounts").order_by("Id").to_pyarrow().to_pylist())


def faulty(engine: Engine) -> list[dict[str, Any]]:
    return list(engine.table(quarantine.QUARANTINED).order_by("row").to_pyarrow().to_pylist())


def names(engine: Engine) -> dict[int, str]:
    return {row["Id"]: row["Name"] for row in good(engine)}


def test_rows_of_postgresql_come_typed(engine: Engine, postgres: PostgresServer) -> None:
    """Names that nobody quotes are in lower case there."""
    postgres.run(
        f"""DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA};
        CREATE TABLE {SCHEMA}.accounts (
            Id bigint PRIMARY KEY, Name text, Spend numeric, IsMember boolean, Born date, ModifiedOn timestamptz);
        INSERT INTO {SCHEMA}.accounts VALUES
            (1, 'Ann', 12.5, true, '1990-05-01', '2026-01-01 12:00+02'), (2, NULL, NULL, NULL, NULL, NULL)"""
    )
    place = DatabaseSource(f"{postgres.url}/postgres", table=f"{SCHEMA}.accounts")
    try:
        pulled = pull(engine, place)
    finally:
        postgres.run(f"DROP SCHEMA {SCHEMA} CASCADE")

    first, second = good(engine)
    values = (1, "Ann", 12.5, True, date(1990, 5, 1), datetime(2026, 1, 1, 10))
    assert first == dict(zip(COLUMNS, values, strict=True))
    assert second == dict.fromkeys(COLUMNS) | {"Id": 2}
    assert pulled == Pulled(rows=2, quarantined=0, rows_read=2, is_unchanged=False)


def test_rows_of_mariadb_come_typed(engine: Engine, mariadb_url: str) -> None:
    """It has no booleans, and no offsets."""
    query = """SELECT 1 AS Id, 'Ann' AS name, 12.5 AS Spend, TRUE AS IsMember, DATE '1990-05-01' AS Born,
        TIMESTAMP '2026-01-01 10:00:00' AS ModifiedOn"""

    pull(engine, DatabaseSource(mariadb_url, query=query))

    values = (1, "Ann", 12.5, True, date(1990, 5, 1), datetime(2026, 1, 1, 10))
    assert good(engine) == [dict(zip(COLUMNS, values, strict=True))]


def test_faulty_rows_say_row_column_reason_and_what_came(engine: Engine, source: Source) -> None:
    source.add(1)
    source.add(None)
    source.add(3, name=b"\x01", born="1990-02-30", on="2026-01-01 00:00Z")

    pulled = pull(engine, source.place)

    assert pulled == Pulled(rows=3, quarantined=3, rows_read=3, is_unchanged=False)
    assert [(row["row"], row["column"], row["reason"]) for row in faulty(engine)] == [
        (1, "ModifiedOn", "found the string '2026-01-01', expected a date-time such as 2026-12-24T18:00:00Z"),
        (2, "Id", "the primary key is empty, expected a value"),
        (3, "Name", "found an object, expected a string without control characters U+0000 or unpaired surrogates"),
    ]
    assert '"Born":"1990-02-30"' in faulty(engine)[2]["record"]
    assert faulty(engine)[2]["source_table"] == "CRM_accounts"
    assert faulty(engine)[2]["source"].startswith("accounts in sqlite:///")


def test_too_many_faulty_rows_stop_the_pull(engine: Engine, source: Source) -> None:
    source.add(1, on=None)
    source.add(2)

    with pytest.raises(errors.TooManyQuarantined, match="1 of 2 rows cannot be taken"):
        pull(engine, source.place, share_max=0.49)


def test_of_rows_with_one_primary_key_the_first_is_taken(engine: Engine, source: Source) -> None:
    source.add(1, name="first", on=None)
    source.add(1, name="second", on=None)

    pulled = pull(engine, source.place)

    assert names(engine) == {1: "first"}
    assert pulled.quarantined == 1
    assert [(row["row"], row["column"]) for row in faulty(engine)] == [(2, "Id")]


def test_a_text_is_a_primary_key_where_it_may_be_an_id(engine: Engine, source: Source) -> None:
    """S18."""
    for key in ("k" * 100, "k" * 101, "a\tb", ""):
        source.add(1, name=key, on=None)

    pulled = pull(engine, source.place, replace(TABLE, primary_key="Name"))

    assert pulled.rows - pulled.quarantined == 1
    assert [(row["row"], row["column"]) for row in faulty(engine)] == [(2, "Name"), (3, "Name"), (4, "Name")]


@pytest.mark.unmeasured
def test_a_query_is_a_source_as_well(engine: Engine, source: Source) -> None:
    source.add(1, on=None)
    source.add(2, on=None)
    query = "SELECT *, 1 AS more FROM accounts WHERE Id > 1"

    pull(engine, replace(source.place, table=None, query=query))

    assert names(engine) == {2: "Ann"}


def test_a_column_that_the_table_lacks_is_named(engine: Engine, source: Source) -> None:
    source.run("ALTER TABLE accounts RENAME COLUMN Born TO Birthday")

    with pytest.raises(
        errors.SourceFaulty, match=r"^accounts in sqlite:.*, table CRM_accounts: there is no column 'Born'"
    ):
        pull(engine, source.place)


@pytest.fixture
def marked(engine: Engine, source: Source) -> Callable[[], tuple[dict[int, str], int, bool]]:
    """Pulls by the watermark and tells the names by id, how many rows were read, and whether nothing changed."""

    def pull_marked() -> tuple[dict[int, str], int, bool]:
        pulled = pull(engine, replace(source.place, watermark="ModifiedOn"))
        return names(engine), pulled.rows_read, pulled.is_unchanged

    for id_ in (1, 2, 3):
        source.add(id_, name=f"n{id_}", on=f"2026-01-0{id_} 00:00")
    return pull_marked


Marked = Callable[[], tuple[dict[int, str], int, bool]]
ALL = {1: "n1", 2: "n2", 3: "n3"}


def test_only_rows_at_the_mark_or_above_are_read_again(source: Source, marked: Marked) -> None:
    assert marked() == (ALL, 3, False)

    source.run("UPDATE accounts SET Name = 'unseen' WHERE Id = 2")
    source.add(4, name="n4", on="2026-01-03 00:00")
    source.run("UPDATE accounts SET Name = 'new', ModifiedOn = '2026-01-05 00:00' WHERE Id = 1")

    assert marked() == ({**ALL, 1: "new", 4: "n4"}, 3, False)


@pytest.mark.unmeasured
def test_rows_without_a_watermark_are_read_every_time(source: Source, marked: Marked) -> None:
    source.add(9, name="n9", on=None)

    assert marked() == ({**ALL, 9: "n9"}, 4, False)
    assert marked() == ({**ALL, 9: "n9"}, 2, True)


@pytest.mark.unmeasured
def test_a_row_that_became_faulty_takes_the_place_of_the_good_one_and_back(source: Source, marked: Marked) -> None:
    marked()

    source.run("UPDATE accounts SET Name = x'01', ModifiedOn = '2026-01-05 00:00' WHERE Id = 1")
    assert marked() == ({2: "n2", 3: "n3"}, 2, False)
    source.run("UPDATE accounts SET Name = 'good', ModifiedOn = '2026-01-06 00:00' WHERE Id = 1")

    assert marked() == ({**ALL, 1: "good"}, 1, False)


def test_a_row_that_stays_faulty_stays_reported(engine: Engine, source: Source, marked: Marked) -> None:
    source.add(None, on="2026-01-01 00:00")
    source.add(7, on="2026-01-08 00:00")
    marked()

    pulled = pull(engine, replace(source.place, watermark="ModifiedOn"))

    assert pulled == Pulled(rows=5, quarantined=1, rows_read=1, is_unchanged=True)
    assert [row["column"] for row in faulty(engine)] == ["Id"]


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "event",
    ["UPDATE accounts SET ModifiedOn = '2020-01-01 00:00'", "UPDATE accounts SET ModifiedOn = 20200101"],
)
def test_all_is_read_again_where_no_row_is_at_the_mark_or_above(source: Source, marked: Marked, event: str) -> None:
    """Such as a database that was restored from a backup; numbers for texts cannot be compared with the mark."""
    marked()
    source.run("DELETE FROM accounts WHERE Id = 1")
    source.run(event)

    _, read, _ = marked()

    assert read == 2


@pytest.mark.unmeasured
def test_rows_that_are_gone_stay_until_all_is_read_again(engine: Engine, source: Source, marked: Marked) -> None:
    """No watermark tells of them; what was kept may be thrown away at any time."""
    marked()
    source.run("DELETE FROM accounts WHERE Id = 1")

    assert marked() == (ALL, 1, True)
    (engine.folder / "CRM_accounts.watermarked.parquet").unlink()
    assert marked() == ({2: "n2", 3: "n3"}, 2, False)


def test_a_watermark_without_an_order_is_refused(engine: Engine, postgres: PostgresServer) -> None:
    place = DatabaseSource(f"{postgres.url}/postgres", query="SELECT 1 AS id, interval '1 day' AS m", watermark="m")

    with pytest.raises(errors.SourceFaulty, match="the watermark m holds values that have no order here, expected num"):
        pull(engine, place, replace(TABLE, columns=TABLE.columns[:1]))
