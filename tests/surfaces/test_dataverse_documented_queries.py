"""The sample queries that the vendor prints for Dataverse's tables, as they are printed there.

https://learn.microsoft.com/dynamics365/customer-insights/data/dv-odata; ids and names are those of the sample.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import headers_of, open_client, open_service
from tests.surfaces.test_dataverse_reading import ROOT
from topcoat import sample
from topcoat.sample import people
from topcoat.settings import Settings

ABBIE = sample.ABBIE_MOSS_ID
SEGMENT = "Male_under_40"
COMPUTED_BY_OTHERS = """
enrichments:
  Brands:
    file: brands.jsonl
    provider: BrandShareOfVoiceFromMicrosoft
    primary_key: Id
    columns: &columns {Id: string, CustomerId: string}
  Interests: {file: interests.jsonl, provider: InterestShareOfVoiceFromMicrosoft, primary_key: Id, columns: *columns}
predictions:
  Churn: {file: churn.jsonl, model: ChurnModel, primary_key: Id, columns: *columns}
"""
FILLED_IN = {
    "CID": ABBIE,
    "CID1": ABBIE,
    "CID2": people.customer_id(2),
    "msdynci_alternate_column": "msdynci_ecommerce_ecommercecontacts_contactid",
    "AK": "CNTID_1001",
    "AK1": "CNTID_1001",
    "AK2": "CNTID_1003",
    "SegmentName": SEGMENT,
    "ActivityType": "SalesOrder",
    "ActivityDisplayName": "Web review",
    "CookieId": "3f43317e-d1ef-4cd3-9917-2d3342111d1a",
}


@pytest.fixture(scope="module")
def published_url(sqlite_template: Path, sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sample with a segment more, and with what enrichments and models say of Abbie and another; only read from."""
    folder = tmp_path_factory.mktemp("documented")
    url = f"sqlite:///{shutil.copyfile(sqlite_template, folder / 'topcoat.db')}"
    contoso = Path(shutil.copytree(sample_folder, folder / "contoso"))
    environment = contoso / sample.ENVIRONMENT_FILE
    environment.write_text(environment.read_text() + COMPUTED_BY_OTHERS)
    for name in ("brands", "interests", "churn"):
        records = [
            {"Id": f"{name}-{place}", "CustomerId": FILLED_IN[key]} for place, key in enumerate(("CID1", "CID2"))
        ]
        (contoso / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    with (contoso / "segments.csv").open("a") as segments:
        segments.write(f"{SEGMENT},{ABBIE}\n")

    async def refresh() -> None:
        async with open_service(url) as service:
            await service.refresh(environment)

    asyncio.run(refresh())
    return url


@pytest.fixture
async def caller(published_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(Settings(home=tmp_path, database_url=published_url)) as opened:
        opened.headers.update(headers_of("viewer"))
        yield opened


def filled(query: str) -> str:
    for name, value in FILLED_IN.items():
        query = query.replace(f"{{{name}}}", value)
    return query


async def ask(client: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["value"])


OF_CUSTOMER = "Customer?$filter=CustomerId eq '{CID}'"
OF_SEVERAL = "Customer?$filter=CustomerId eq '{CID1}' or CustomerId eq '{CID2}'"
CONTACT = "eCommerce_eCommerceContacts_ContactId"
ACTIVITIES = "UnifiedActivity?$filter=CustomerId eq '{CID}'"
PRINTED = [
    ("msdynci_customerprofiles", "Customer"),
    ("msdynci_customerprofiles?$filter=msdynci_customerid eq '{CID}'", OF_CUSTOMER),
    (
        "msdynci_customerprofiles?$filter={msdynci_alternate_column} eq '{AK}'",
        f"Customer?$filter={CONTACT} eq '{{AK}}'",
    ),
    (
        "msdynci_customerprofiles?$filter=msdynci_customerid eq '{CID1}' or msdynci_customerid eq '{CID2}'",
        OF_SEVERAL,
    ),
    (
        "msdynci_customerprofiles?$filter={msdynci_alternate_column} eq '{AK1}'"
        " or {msdynci_alternate_column} eq '{AK2}'",
        f"Customer?$filter={CONTACT} eq '{{AK1}}' or {CONTACT} eq '{{AK2}}'",
    ),
    (
        "msdynci_customerprofiles?$filter=contains(msdynci_lastname,'string')&$top=10",
        "Customer?$filter=contains(tolower(LastName),'string')",
    ),
    ("msdynci_unifiedactivities?$filter=msdynci_customerid eq '{CID}'", ACTIVITIES),
    (
        "msdynci_unifiedactivities?$filter=msdynci_customerid eq '{CID}'"
        " and msdynci_activitytime gt 2017-01-01T00:00:00Z and msdynci_activitytime lt 2017-01-01T00:00:00Z",
        f"{ACTIVITIES} and ActivityTime gt 2017-01-01T00:00:00Z and ActivityTime lt 2017-01-01T00:00:00Z",
    ),
    (
        "msdynci_unifiedactivities?$filter=msdynci_customerid eq '{CID}' and msdynci_activitytype eq '{ActivityType}'",
        f"{ACTIVITIES} and ActivityType eq '{{ActivityType}}'",
    ),
    (
        "msdynci_unifiedactivities?$filter=msdynci_customerid eq '{CID}'"
        " and msdynci_activitytypedisplay eq '{ActivityDisplayName}'",
        f"{ACTIVITIES} and ActivityTypeDisplay eq '{{ActivityDisplayName}}'",
    ),
    (
        "msdynci_unifiedactivities?$filter=msdynci_customerid eq '{CID}'&$orderby=msdynci_activitytime asc",
        f"{ACTIVITIES}&$orderby=ActivityTime asc",
    ),
]
# With values that find something, where those that are printed find nothing.
FINDING = [
    (
        "msdynci_customerprofiles?$filter=contains(msdynci_lastname,'MOSS')&$top=10",
        "Customer?$filter=contains(tolower(LastName),'moss')",
    ),
    (
        "msdynci_unifiedactivities?$filter=msdynci_customerid eq '{CID}'"
        " and msdynci_activitytime gt 2023-01-01T00:00:00Z and msdynci_activitytime lt 2024-01-01T00:00:00Z",
        f"{ACTIVITIES} and ActivityTime gt 2023-01-01T00:00:00Z and ActivityTime lt 2024-01-01T00:00:00Z",
    ),
]
EMPTY = [printed for printed, _ in PRINTED if "'string'" in printed or "lt 2017" in printed]


@pytest.mark.parametrize(("printed", "rest"), PRINTED + FINDING)
async def test_a_printed_query_finds_what_the_rest_api_finds(
    caller: httpx.AsyncClient, base: str, printed: str, rest: str
) -> None:
    key = "ActivityId" if rest.startswith("UnifiedActivity") else "CustomerId"

    found = [row[f"msdynci_{key.lower()}"] for row in await ask(caller, f"{ROOT}/{filled(printed)}")]
    expected = [record[key] for record in await ask(caller, f"{base}/data/{filled(rest)}")]

    assert found == expected if "orderby" in printed else sorted(found) == sorted(expected)
    assert bool(found) is (printed not in EMPTY)


async def test_selected_columns_come_with_the_id_of_the_row(caller: httpx.AsyncClient) -> None:
    printed = "msdynci_customerprofiles?$select=msdynci_fullname&$filter=msdynci_customerid eq '{CID}'"

    [row] = await ask(caller, f"{ROOT}/{filled(printed)}")

    assert list(row) == ["@odata.etag", "msdynci_customerprofileid", "msdynci_fullname"]
    assert row["msdynci_fullname"] == "Abbie Moss"


MEMBERS = r"msdynci_segmentmemberships?$filter=contains(msdynci_segments,'\"{SegmentName}\"')"
BY_OTHERS = "?$filter=msdynci_customerid eq '{CID}' and "
OF_ROWS = [
    (f"{MEMBERS}&$select=msdynci_customerid", "msdynci_customerid", [ABBIE]),
    (f"{MEMBERS} and msdynci_customerid eq '{{CID}}'&$select=msdynci_customerid", "msdynci_customerid", [ABBIE]),
    (f"{MEMBERS} and msdynci_customerid eq '{{CID2}}'&$select=msdynci_customerid", "msdynci_customerid", []),
    (
        "msdynci_segmentmemberships?$filter=msdynci_customerid eq '{CID}'&$select=msdynci_segments",
        "msdynci_segments",
        ['["HighValue","Male_under_40"]'],
    ),
    (
        "msdynci_customermeasures?$filter=msdynci_customerid eq '{CID}'",
        "msdynci_identifier",
        [f"Customer_Measure|{ABBIE}"],
    ),
    (
        f"msdynci_enrichments{BY_OTHERS}msdynci_enrichmentprovider eq 'BrandShareOfVoiceFromMicrosoft'",
        "msdynci_enrichmenttype",
        ["Brands"],
    ),
    (
        f"msdynci_enrichments{BY_OTHERS}msdynci_enrichmentprovider eq 'InterestShareOfVoiceFromMicrosoft'",
        "msdynci_enrichmenttype",
        ["Interests"],
    ),
    (f"msdynci_predictions{BY_OTHERS}msdynci_modelprovider eq 'ChurnModel'", "msdynci_model", ["Churn"]),
]


@pytest.mark.parametrize(("printed", "column", "expected"), OF_ROWS)
async def test_a_printed_query_finds_what_was_computed_of_a_customer(
    caller: httpx.AsyncClient, printed: str, column: str, expected: list[str]
) -> None:
    assert [row[column] for row in await ask(caller, f"{ROOT}/{filled(printed)}")] == expected


@pytest.mark.parametrize(
    "printed",
    [
        "msdynci_personalizationprofiles(cookieid='{CookieId}')",
        "msdynci_pageviews(cookieid='{CookieId}',top=10)",
        "msdynci_pageclicks(cookieid='{CookieId}',top=10)",
    ],
)
async def test_what_visitors_of_web_sites_did_is_not_there(caller: httpx.AsyncClient, printed: str) -> None:
    answer = await caller.get(f"{ROOT}/{filled(printed)}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "0x8006088a")
