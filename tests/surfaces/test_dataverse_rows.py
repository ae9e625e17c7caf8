"""Rows of customers through the Dataverse Web API: keys, segments, measures, enrichments, predictions."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import open_client, open_service
from tests.flows.test_customer_rows import LONG, environment
from tests.surfaces.test_dataverse_reading import PROFILES, ROOT, guid, rows
from topcoat.core import row_guids
from topcoat.settings import Settings

COLUMNS = {
    "alternatekey": ["alternatevalue", "datasourcename", "entityname", "identifier", "keyring"],
    "segmentmembership": ["identifier", "segmentmembershiptype", "segmentprovider", "segments"],
    "customermeasure": ["identifier", "measures"],
    "enrichment": ["enrichmentprovider", "enrichmenttype", "identifier", "values"],
    "prediction": ["identifier", "model", "modelprovider", "values"],
}
COUNTS = {"alternatekey": 5, "segmentmembership": 3, "customermeasure": 2, "enrichment": 4, "prediction": 2}
TABLES = pytest.mark.parametrize("table", list(COLUMNS))


@pytest.fixture(scope="module")
def peopled_url(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a few customers have all that there can be, and had other segments half an hour ago; only read from."""
    folder = tmp_path_factory.mktemp("rows")
    url = f"sqlite:///{shutil.copyfile(sqlite_template, folder / 'topcoat.db')}"

    async def refresh() -> None:
        async with open_service(url) as service:
            await service.refresh(environment(folder, segments=[{"Segment": "Before", "CustomerId": "a"}]))
            await service.advance(timedelta(minutes=30))
            await service.refresh(environment(folder))

    asyncio.run(refresh())
    return url


@pytest.fixture
async def viewer(peopled_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Known by the token alone."""
    async with open_client(Settings(home=tmp_path, database_url=peopled_url)) as client:
        del client.headers["Ocp-Apim-Subscription-Key"]
        yield client


def address(table: str) -> str:
    return f"{ROOT}/msdynci_{table}s"


async def read(client: httpx.AsyncClient, where: str, **options: str) -> dict[str, Any]:
    answer = await client.get(where, params={f"${name}": value for name, value in options.items()} or None)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def identifiers(found: list[dict[str, Any]]) -> list[str]:
    return [row["msdynci_identifier"] for row in found]


@TABLES
async def test_a_row_has_its_columns_and_is_read_by_its_guid(viewer: httpx.AsyncClient, table: str) -> None:
    [first, *_] = await rows(viewer, address(table))
    found = await read(viewer, f"{address(table)}({first[f'msdynci_{table}id']})")

    names = [name.removeprefix("msdynci_") for name in first if name.startswith("msdynci_")]
    assert sorted(names) == sorted([*COLUMNS[table], f"{table}id", "customerid", "lookupfield_customerpid"])
    assert found == {"@odata.context": f"http://testserver{ROOT}/$metadata#msdynci_{table}s/$entity", **first}
    assert first["_msdynci_lookupfield_customer_value"] == guid(first["msdynci_customerid"])
    assert first["createdon"] == first["modifiedon"] == "2026-11-24T12:30:00Z"
    assert first["ttlinseconds"] is None


@TABLES
async def test_all_pages_are_all_rows_and_their_number(viewer: httpx.AsyncClient, table: str) -> None:
    """S25."""
    whole = await rows(viewer, address(table))
    link: str | None = f"{address(table)}?$count=true"
    found, pages = [], 0
    while link is not None:
        page = (await viewer.get(link, headers={"Prefer": "odata.maxpagesize=1"})).json()
        found, pages, link = found + page["value"], pages + 1, page.get("@odata.nextLink")
        assert page["@odata.count"] == COUNTS[table]

    assert found == whole
    assert pages == len(whole) == COUNTS[table]
    assert (await viewer.get(f"{address(table)}/$count")).text == str(COUNTS[table])


@TABLES
async def test_rows_are_found_by_their_customer_in_every_way(viewer: httpx.AsyncClient, table: str) -> None:
    """An alias leads to its survivor (S18)."""
    of_b = [row for row in await rows(viewer, address(table)) if row["msdynci_customerid"] == "b"]
    conditions = [
        "msdynci_customerid eq 'b'",
        "msdynci_customerid eq 'old'",
        f"_msdynci_lookupfield_customer_value eq {guid('b')}",
        "partitionid eq 'b'",
        'Microsoft.Dynamics.CRM.In(PropertyName=\'msdynci_customerid\',PropertyValues=["b","x"])',
    ]

    assert of_b
    for condition in conditions:
        assert await rows(viewer, address(table), filter=condition) == of_b
    assert (await viewer.get(f"{address(table)}?partitionId=b")).json()["value"] == of_b


@TABLES
async def test_a_profile_leads_to_its_rows_and_each_of_them_back(viewer: httpx.AsyncClient, table: str) -> None:
    navigation, profile = f"msdynci_customer_{table}", f"{PROFILES}({guid('b')})"
    of_b = await rows(viewer, address(table), filter="msdynci_customerid eq 'b'")
    expanded = await rows(viewer, PROFILES, expand=f"{navigation}($top=1)", select="msdynci_customerid")

    assert await rows(viewer, f"{profile}/{navigation}") == of_b
    assert (await viewer.get(f"{profile}/{navigation}/$count")).text == str(len(of_b))
    assert (await read(viewer, profile, expand=navigation))[navigation] == of_b
    assert {row["msdynci_customerid"]: row[navigation] for row in expanded}["b"] == of_b[:1]
    back = f"{address(table)}({of_b[0][f'msdynci_{table}id']})/msdynci_lookupfield_customer"
    assert (await read(viewer, back))["msdynci_customerid"] == "b"
    lookup = "msdynci_lookupfield_customer($select=msdynci_club_members_memberid)"
    [inner, *_] = await rows(viewer, address(table), filter="msdynci_customerid eq 'b'", expand=lookup)
    assert inner["msdynci_lookupfield_customer"]["msdynci_customerprofileid"] == guid("b")


PRINTED = [
    (r"segmentmembership", r"$filter=contains(msdynci_segments,'\"Male_under_40\"')&$select=msdynci_customerid", "ac"),
    (r"segmentmembership", r"$filter=contains(msdynci_segments,'\"gold\"')&$select=msdynci_customerid", "ab"),
    ("enrichment", "$filter=msdynci_enrichmentprovider eq 'contoso'", "bba"),
    ("prediction", "$filter=msdynci_modelprovider eq 'sooth'", "ba"),
    ("alternatekey", "$filter=msdynci_datasourcename eq 'CLUB' and msdynci_alternatevalue eq 'm-9'", "a"),
    ("alternatekey", "$filter=contains(msdynci_keyring,'\"s-2\"')", "b"),
    ("customermeasure", "$filter=contains(msdynci_measures,'\"Value\":2.5')", "b"),
    ("customermeasure", "$orderby=msdynci_customerid desc&$top=1", "b"),
    ("alternatekey", "$orderby=msdynci_alternatevalue desc&$top=2&$filter=msdynci_customerid ne 'a'", f"{LONG}b"),
]


@pytest.mark.parametrize(("table", "query", "customers"), PRINTED)
async def test_rows_are_found_by_what_they_say_whatever_its_case(
    viewer: httpx.AsyncClient, table: str, query: str, customers: str
) -> None:
    answer = await viewer.get(f"{address(table)}?{query}")

    assert answer.status_code == 200, answer.text
    assert "".join(row["msdynci_customerid"] for row in answer.json()["value"]) == customers


async def test_a_row_is_told_apart_from_others_with_its_identifier_by_its_guid(viewer: httpx.AsyncClient) -> None:
    found = await rows(viewer, address("enrichment"), filter="msdynci_customerid eq 'b'")

    assert identifiers(found) == ["Contoso|Interests|b"] * 2
    assert {row["msdynci_enrichmentid"] for row in found} == {
        str(row_guids.guid_of(key, "enrichment/Interests")) for key in ("10", "11")
    }


async def test_a_customer_whose_id_is_too_long_for_a_guid_is_found_by_it(viewer: httpx.AsyncClient) -> None:
    profile = f"{PROFILES}({guid(LONG)})"
    [key] = await rows(viewer, f"{profile}/msdynci_customer_alternatekey")
    lookup = f"_msdynci_lookupfield_customer_value eq '{guid(LONG)}'"

    assert (await read(viewer, profile))["msdynci_customerid"] == LONG
    assert await rows(viewer, address("alternatekey"), filter=lookup) == [key]
    assert (await read(viewer, f"{address('alternatekey')}({key['msdynci_alternatekeyid']})")).items() > key.items()


async def test_what_is_asked_about_an_instant_is_answered_of_that_instant_alone(viewer: httpx.AsyncClient) -> None:
    """S28."""
    then = {"asOf": "2026-11-24T12:29:00Z"}
    navigation = "msdynci_customer_segmentmembership"
    profile = (await viewer.get(f"{PROFILES}({guid('a')})", params=then | {"$expand": navigation})).json()
    listed = (await viewer.get(f"{PROFILES}({guid('a')})/{navigation}", params=then)).json()["value"]
    where = f"{address('segmentmembership')}({listed[0]['msdynci_segmentmembershipid']})"
    row = (await viewer.get(where, params=then)).json()

    assert profile[navigation] == listed
    assert listed[0]["msdynci_segments"] == row["msdynci_segments"] == '["Before"]'
    assert (await read(viewer, where))["msdynci_segments"] == '["Gold","Male_under_40"]'


@pytest.mark.parametrize(
    ("question", "status", "said"),
    [
        (f"({guid('nobody')})", 404, "msdynci_alternatekey With Id = "),
        ("(msdynci_customerid='a')", 400, "expected one of msdynci_alternatekeyid, and partitionid beside it"),
        ("?$filter=msdynci_segments eq 'x'", 400, "Could not find a property named 'msdynci_segments'"),
        ("?$filter=msdynci_alternatekeyid eq 'x'", 400, "expected a GUID"),
        ("?$skiptoken=x", 400, "$skiptoken is not usable"),
    ],
)
async def test_what_is_wrong_with_a_question_about_rows_is_told(
    viewer: httpx.AsyncClient, question: str, status: int, said: str
) -> None:
    answer = await viewer.get(address("alternatekey") + question)

    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]
