"""What a test asks the database about the search index, past the flows."""

import asyncio
from typing import Any

from sqlalchemy import text

from tests.conftest import Service
from topcoat.core import tokens
from topcoat.core.catalog import Column, ColumnType
from topcoat.store import rowset, search_configurations, values
from topcoat.store.engine import load_json

_BY_TOKEN_ON_POSTGRESQL = "SELECT customer_id FROM profile_search WHERE instance_id = 1 AND tokens @> ARRAY[:token]"
_BY_TOKEN_ON_SQLITE = """
SELECT s.customer_id FROM profile_search_text t JOIN profile_search s ON s.text_row = t.rowid
WHERE profile_search_text MATCH '"' || :token || '"' AND s.instance_id = 1
"""


async def rows(service: Service, sql: str, **parameters: Any) -> list[Any]:
    async with service.store.reading() as connection:
        return list(await connection.fetch_all(text(sql), parameters))


async def customers_with(service: Service, token: str) -> set[str]:
    """By the index, whichever generation they are of."""
    sql = _BY_TOKEN_ON_POSTGRESQL if service.store.is_postgresql else _BY_TOKEN_ON_SQLITE
    return {row.customer_id for row in await rows(service, sql, token=token)}


async def token_faults(service: Service, *names: str) -> list[str]:
    """Rows of the snapshot without a token that they need, and tokens of rows that are gone."""
    snapshot = await rows(
        service, "SELECT customer_id, generation_from, CAST(document AS TEXT) AS document FROM snapshot_profile"
    )
    kept = await rows(service, "SELECT customer_id, generation_from, tokens FROM profile_search")
    found = {(row.customer_id, row.generation_from): set(rowset.load_tokens(row.tokens)) for row in kept}
    needed = {
        (row.customer_id, row.generation_from): set(tokens.document_tokens(load_json(row.document), names))
        for row in snapshot
    }
    lacking = [f"{key} lacks tokens" for key, those in needed.items() if not those <= found.get(key, set())]
    return lacking + [f"{key} is no row" for key in found.keys() - needed.keys()]


async def until_built(service: Service) -> None:
    """The background loop, here or in another process, has caught up."""
    while True:
        async with service.store.glancing() as connection:
            if not await search_configurations.list_unbuilt(connection):
                return
        await asyncio.sleep(0)


async def index_names(service: Service) -> set[str]:
    """Those of the first instance, invalid ones included."""
    sql = (
        "SELECT relname AS name FROM pg_class WHERE relkind = 'i' AND starts_with(CAST(relname AS text), 'search_1_')"
        if service.store.is_postgresql
        else "SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB 'search_1_*'"
    )
    return {row.name for row in await rows(service, sql)}


async def columns_with_index(service: Service, kind: str = "order") -> set[str]:
    return {name.split("_")[4] for name in await index_names(service) if f"_profile_{kind}_" in name}


async def enlarge(service: Service) -> None:
    """So many rows that PostgreSQL plans with its indexes; SQLite plans without regard to numbers."""
    if service.store.is_postgresql:
        async with service.store.writing() as connection:
            for statement in _ENLARGED:
                await connection.run(text(statement))


_ENLARGED = (
    """
INSERT INTO snapshot_profile (instance_id, customer_id, generation_from, generation_to, digest, document)
SELECT 1, 'more-' || n, 1, 9223372036854775807, '', jsonb_build_object(
    'City', 'C' || n, 'FullName', md5(CAST(n AS text)), 'LastName', md5(CAST(n AS text)), 'RewardsPoints', n,
    'TotalSpend', n, 'CustomerSince', '2020-01-01T00:00:00.' || lpad(CAST(n AS text), 6, '0') || 'Z',
    'DateOfBirth', CAST(CAST('1950-01-01' AS date) + n AS text)) FROM generate_series(1, 3000) AS n""",
    """
INSERT INTO override (instance_id, customer_id, sequence, valid_until, recorded_at, column_values, tokens)
SELECT 1, customer_id, row_number() OVER (), 1, 1, document, ARRAY['t' || customer_id] FROM snapshot_profile""",
    """
INSERT INTO profile_search (instance_id, customer_id, generation_from, tokens)
SELECT 1, customer_id, generation_from, ARRAY['t' || customer_id] FROM snapshot_profile ON CONFLICT DO NOTHING""",
    "SELECT gin_clean_pending_list(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
    " JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'gin' AND indrelid <> CAST('override' AS regclass)"
    " AND relnamespace = CAST('public' AS regnamespace)",
    "ANALYZE snapshot_profile",
    "ANALYZE override",
    "ANALYZE profile_search",
)


async def plan(service: Service, sql: str) -> str:
    async with service.store.reading() as connection:
        explained = "EXPLAIN " if connection.is_postgresql else "EXPLAIN QUERY PLAN "
        return "\n".join(str(row[-1]) for row in await connection.fetch_all(text(explained + sql)))


def value(service: Service, name: str, type_: ColumnType, document: str = "document") -> str:
    return values.value_sql(Column(name, type_), document, is_postgresql=service.store.is_postgresql)
