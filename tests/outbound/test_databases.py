"""Other people's databases as they are read: real servers, bounded batches, no secrets in errors."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PostgresServer
from topcoat.core import errors
from topcoat.outbound import databases
from topcoat.outbound.databases import BATCH_ROWS, Reader, Relation

TABLE = "CRM_accounts"
SECRET = "hunter2-secret"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """No template of the service: anybody's file, whose name wants care in an address."""
    file = tmp_path / "a #1.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE accounts (Id INTEGER PRIMARY KEY, Name TEXT, ModifiedOn TEXT)")
        connection.executemany(
            "INSERT INTO accounts VALUES (?, ?, ?)",
            [(1, "Ann", "2026-01-01"), (2, "Bo", "2026-01-02"), (3, None, None)],
        )
    connection.close()
    return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def counting(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """An address and a query of 25,000 rows, the 22,001st of which the database cannot compute."""
    match request.param:
        case "sqlite":
            numbers = "WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 25000)"
            query = f"{numbers} SELECT n, abs(-9223372036854775808 + (n <= 22000)) AS x FROM s"
            yield request.getfixturevalue("sqlite_url"), query
        case "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            yield f"{server.url}/postgres", "SELECT n, 1 / (n - 22001) AS x FROM generate_series(1, 25000) AS n"
        case _:
            query = "SELECT seq AS n, IF(seq = 22001, (SELECT 1 UNION SELECT 2), 0) AS x FROM seq_1_to_25000"
            yield request.getfixturevalue("mariadb_url"), query


@pytest.mark.unmeasured
def test_rows_come_in_batches_before_the_database_has_computed_them_all(counting: tuple[str, str]) -> None:
    url, query = counting
    sizes: list[int] = []

    def work(reader: Reader) -> None:
        sizes.extend(len(batch) for batch in reader.batches(["n", "x"]))

    with pytest.raises(errors.SourceFaulty, match=r"a query in .*, table CRM_accounts: it cannot be read: "):
        databases.read(Relation(url, TABLE, query=query), work)

    assert sizes == [BATCH_ROWS, BATCH_ROWS]


def test_a_query_that_ends_with_a_comment_and_holds_colons_and_percents_is_read_as_it_is(
    counting: tuple[str, str],
) -> None:
    relation = Relation(counting[0], TABLE, query="SELECT ':a %s 10%' AS x -- every :name;")

    assert databases.read(relation, lambda reader: [list(b) for b in reader.batches(["x"])]) == [[(":a %s 10%",)]]


def test_columns_are_found_by_their_spelling_or_their_letters(sqlite_url: str) -> None:
    relation = Relation(sqlite_url, TABLE, table="accounts")

    found = databases.read(relation, lambda reader: (reader.get_column("Id"), reader.get_column("MODIFIEDON")))

    assert found == ("Id", "ModifiedOn")


def test_a_column_that_only_letters_set_apart_wants_its_spelling(postgres: PostgresServer) -> None:
    relation = Relation(f"{postgres.url}/postgres", TABLE, query='SELECT 1 AS "iD", 2 AS "Id"')

    with pytest.raises(errors.SourceFaulty, match=r"there is no column 'ID' \(did you mean 'iD'\?\)"):
        databases.read(relation, lambda reader: reader.get_column("ID"))


def test_rows_at_a_mark_and_above_and_those_without_one_are_read(sqlite_url: str) -> None:
    def work(reader: Reader) -> list[Any]:
        (batch,) = reader.batches(["Id"], watermark="ModifiedOn", at_least="2026-01-02")
        return [reader.highest("ModifiedOn"), reader.highest("ModifiedOn", at_least="2027"), *batch]

    assert databases.read(Relation(sqlite_url, TABLE, table="accounts"), work) == ["2026-01-02", None, (2,), (3,)]


@pytest.mark.parametrize(
    "value",
    [
        "7::bigint",
        "1::numeric",
        "1::double precision",
        "'it''s'::text",
        "'2026-01-01'::date",
        "'2026-01-01 12:00'::timestamp",
        "'2026-01-01 12:00+02'::timestamptz",
    ],
)
def test_what_a_column_holds_can_be_asked_with(postgres: PostgresServer, value: str) -> None:
    relation = Relation(f"{postgres.url}/postgres", TABLE, query=f"SELECT {value} AS mark, 1 AS id")

    def work(reader: Reader) -> list[Any]:
        mark = reader.highest("mark")
        return [*reader.batches(["id"], watermark="mark", at_least=mark), reader.highest("mark", at_least=mark) == mark]

    assert databases.read(relation, work) == [[(1,)], True]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgresql://bob:{SECRET}@127.0.0.1:1/x", "it cannot be read: Connect call failed"),
        (f"postgresql://bob:{SECRET}@127.0.0.1:1/x?sslpassword={SECRET}", "it cannot be read: "),
        (f"mysql://bob:{SECRET}@127.0.0.1:1/x", "it cannot be read: Can't connect"),
        (f"oracle://bob:{SECRET}@127.0.0.1/x", "it takes the Python module 'oracledb', which is not installed"),
        (f"nonsense://bob:{SECRET}@127.0.0.1/x", "it cannot be read: Can't load plugin"),
        (f"postgresql://bob:{SECRET}@127.0.0.1:port/x", "accounts in a database, .*: the address cannot be read"),
        ("sqlite:///nowhere/nothing.db", "it cannot be read: unable to open database file"),
    ],
)
def test_a_database_that_cannot_be_read_is_one_sentence_without_secrets(url: str, says: str) -> None:
    with pytest.raises(errors.SourceFaulty, match=says) as raised:
        databases.read(Relation(url, TABLE, table="accounts"), lambda reader: reader.columns)

    assert SECRET not in raised.value.message
    assert "bob" not in raised.value.message
    assert raised.value.message.startswith("accounts in ")
    assert "\n" not in raised.value.message


def test_what_a_database_says_about_a_password_is_blacked_out(sqlite_url: str) -> None:
    """Another database than that of the address, which has no passwords, says it."""
    url = f"{sqlite_url}?password=nix"

    with pytest.raises(errors.SourceFaulty, match=r"no such column: \*\*\*"):
        databases.read(Relation(url, TABLE, query="SELECT nix"), lambda reader: reader.columns)


def test_reading_makes_no_database_file_and_changes_none(sqlite_url: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    with pytest.raises(errors.SourceFaulty):
        databases.read(Relation(f"sqlite:///{missing}", TABLE, table="accounts"), lambda reader: reader.columns)
    with pytest.raises(errors.SourceFaulty):
        databases.read(Relation(sqlite_url, TABLE, query="DELETE FROM accounts"), lambda reader: reader.columns)

    assert not missing.exists()


def test_a_table_of_a_schema_is_read_and_one_that_is_not_there_is_named(postgres: PostgresServer) -> None:
    url = f"{postgres.url}/postgres"

    columns = databases.read(Relation(url, TABLE, table="pg_catalog.pg_class"), lambda reader: reader.columns)

    assert {"oid", "relname"} <= set(columns)
    with pytest.raises(
        errors.SourceFaulty, match=r'pg_catalog.nix in .*: it cannot be read: relation "pg_catalog.nix"'
    ):
        databases.read(Relation(url, TABLE, table="pg_catalog.nix"), lambda reader: reader.columns)
