"""Which stored values a column accepts, as SQL: what the core says (S5, S27)."""

import pytest
from sqlalchemy import text

from tests.conftest import Service
from tests.parity import worlds
from topcoat.core import catalog
from topcoat.core.catalog import Column, ColumnType
from topcoat.store import overrides, values
from topcoat.store.engine import dump_json

VALUES = (
    None,
    *worlds.ODD_VALUES,
    *(
        value
        for pool in (worlds.TEXTS, worlds.INTEGERS, worlds.DECIMALS, worlds.DATES, worlds.INSTANTS)
        for value in pool
    ),
    *("2026-13-01", "2026-00-10", "2026-04-31", "2023-02-29", "2000-02-29", "1900-02-29", "26-01-01", "2026-11-24\n"),
    *("2026-11-24T23:59:60Z", "2026-11-24T12:60:00Z", "2026-11-24 12:00:00Z", "2026-11-24T12:00:00+00:00"),
    *("2026-11-24T12:00:00.5Z", "2026-11-24T12:00:00.5000000Z", "2026-11-24T12:00:00", "2026-11-24t12:00:00z"),
    *([], {}, "٢٠٢٦-11-24"),
)


@pytest.mark.parametrize("type_", ColumnType)
async def test_sql_accepts_the_values_that_the_core_accepts(service: Service, type_: ColumnType) -> None:
    column = Column("Value", type_)
    document = overrides.written({f"v{place}": value for place, value in enumerate(VALUES)})
    async with service.store.reading() as connection:
        source = "jsonb_each(CAST(:document AS jsonb))" if connection.is_postgresql else "json_each(:document)"
        condition = values.accepts_sql(column, "e", is_postgresql=connection.is_postgresql)
        statement = text(f"SELECT e.key FROM {source} AS e WHERE {condition}")
        rows = await connection.fetch_all(statement, {"document": dump_json(document)})

    accepted = {row[0] for row in rows}
    assert [value for place, value in enumerate(VALUES) if f"v{place}" in accepted] == [
        value for value in VALUES if catalog.accepts(column, value)
    ]
