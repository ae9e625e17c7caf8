"""Rows that a table could not take: listed where they are asked for, read like any other, counted."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx

from tests.conftest import open_service
from tests.flows.test_source_records import environment
from topcoat.core import corrupt_rows
from topcoat.core.catalog import Catalog
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.progress import Silent
from topcoat.flows.refresh.source_places import FileSource

CORRUPT = {
    "RecordId": "000000000007-d41d8cd98f00b204e9800998ecf8427e",
    "Source": "members.csv",
    "Row": 7,
    "Column": "MemberId",
    "Reason": "the primary key is empty, expected a value",
    "Record": '{"Name":"Bo"}',
}


async def publish_with_corrupt_rows(url: str, folder: Path) -> None:
    loaded = load_environment(environment(folder, [], "MemberId,Name\nm-1,Zoë\n"))
    corrupt = corrupt_rows.corrupt_table(loaded.catalog.get_table("Club_members"))
    file = folder / "corrupt.jsonl"
    file.write_text(json.dumps(CORRUPT))
    catalog = Catalog((*loaded.catalog.tables, corrupt))
    changed = replace(loaded, catalog=catalog, sources={**loaded.sources, corrupt.name: FileSource(file)})
    async with open_service(url) as service:
        await publish.refresh(service.store, service.clock, changed, Silent(), horizon=timedelta(days=7))


async def test_tables_of_corrupt_rows_are_listed_where_they_are_asked_for(
    client: httpx.AsyncClient, base: str, sqlite_url: str, tmp_path: Path
) -> None:
    await publish_with_corrupt_rows(sqlite_url, tmp_path)

    plain = (await client.get(f"{base}/manage/tables")).json()["entities"]
    whole = (await client.get(f"{base}/manage/tables?includeQuarantined=true")).json()["entities"]

    assert [entity for entity in whole if entity["entityType"] != "corrupt"] == plain
    (corrupt,) = (entity for entity in whole if entity["entityType"] == "corrupt")
    assert corrupt["qualifiedEntityName"] == "Club_members_corrupt"
    assert [attribute["name"] for attribute in corrupt["attributes"]] == list(CORRUPT)


async def test_corrupt_rows_are_read_and_counted(
    client: httpx.AsyncClient, base: str, sqlite_url: str, tmp_path: Path
) -> None:
    await publish_with_corrupt_rows(sqlite_url, tmp_path)

    found = (await client.get(f"{base}/data/Club_members_corrupt")).json()["value"]
    of_members = (await client.get(f"{base}/dataprofile/Club_members")).json()
    of_sales = (await client.get(f"{base}/dataprofile/Shop_sales")).json()

    assert [{name: record[name] for name in CORRUPT} for record in found] == [CORRUPT]
    assert (of_members["rowCount"], of_members["quarantineRowCount"]) == (1, 1)
    assert (of_sales["rowCount"], of_sales["quarantineRowCount"]) == (0, 0)
