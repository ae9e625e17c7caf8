"""The vendor's Python SDK for Dataverse, unmodified, at services with https: prints what it got as one JSON object.

Runs in an environment of its own. Its two clients go through one scenario, with tokens of azure-identity; then comes a
story in which the vendor's REST client writes and the SDK reads.
"""

import asyncio
import inspect
import json
import sys
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import requests
from azure.core.credentials import AccessToken
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from dynamics.customerinsights.api import CustomerInsights  # type: ignore[import-not-found]  # its own environment
from PowerPlatform.Dataverse.aio.async_client import AsyncDataverseClient  # type: ignore[import-not-found]
from PowerPlatform.Dataverse.client import DataverseClient  # type: ignore[import-not-found]
from PowerPlatform.Dataverse.core.errors import DataverseError  # type: ignore[import-not-found]
from PowerPlatform.Dataverse.models import UpsertItem, col, raw  # type: ignore[import-not-found]
from PowerPlatform.Dataverse.models.query_builder import ExpandOption  # type: ignore[import-not-found]

GIVEN = json.loads(sys.argv[1])
ROOT, READING, HEADERS = GIVEN["root"], GIVEN["reading"], GIVEN["headers"]
ABBIE, ABBIE_GUID, INSTANCE = GIVEN["abbie"], GIVEN["abbie_guid"], GIVEN["instance"]

PROFILE, ACTIVITY = "msdynci_customerprofile", "msdynci_unifiedactivity"
NOBODY = "00000000-0000-4000-8000-00000000dead"
LOOKUP = "msdynci_lookupfield_customer"
ID, NAME, CITY = "msdynci_customerid", "msdynci_fullname", "msdynci_city"

POINTS, TIER = col("msdynci_rewardspoints"), col("msdynci_loyaltytier")
CONDITIONS = {
    "eq": col(CITY) == "SEATTLE",
    "in": col(CITY).in_(["seattle", "Toronto"]),
    "not in": col(CITY).not_in(["Seattle", "Toronto"]),
    "in numbers": POINTS.in_([899, 0, 12]),
    "quote": col("msdynci_lastname") == "O'Brien",
    "like": col(NAME).like("A%"),
    "not like": col(NAME).not_like("%o%"),
    "like within": col(NAME).like("%AN%"),
    "contains": col(NAME).contains("an"),
    "endswith": col("msdynci_email").endswith("CONTOSO.COM"),
    "between": POINTS.between(100, 900),
    "not between": POINTS.not_between(100, 900),
    "instant": col("msdynci_customersince") >= datetime(2022, 1, 1, 12, 30, tzinfo=UTC),
    "naive": col("msdynci_customersince") < datetime(2022, 1, 1, 12, 30),
    "microseconds": col("msdynci_customersince") > datetime(2022, 1, 1, 12, 30, 0, 123456, tzinfo=UTC),
    "date": col("msdynci_dateofbirth") < date(1980, 1, 1),
    "null": TIER == None,  # noqa: E711 - the SDK's way to say it
    "not null": TIER.is_not_null(),
    "boolean": col("msdynci_emailoptin") == True,  # noqa: E712
    "and or not": ((TIER == "gold") | (POINTS > 500)) & ~(col(CITY) == "Seattle"),
    "own function": raw("Microsoft.Dynamics.CRM.BeginsWith(PropertyName='msdynci_fullname',PropertyValue='GE')"),
}


async def settled(value: Any) -> Any:
    """What a client of either kind gives in the end."""
    if inspect.isawaitable(value):
        return await value
    if hasattr(value, "__aiter__") and not hasattr(value, "__iter__"):
        return [item async for item in value]
    return value


async def failure(call: Any) -> Any:
    """What is raised, in its parts."""
    try:
        return {"not raised": repr(await settled(call()))}
    except DataverseError as error:
        code = error.details.get("service_error_code")
        known = "service_request_id" in error.details
        return {"type": type(error).__name__, "status": error.status_code, "code": code, "said": error.message} | {
            "has_request_id": known
        }


def plain(records: Any) -> list[Any]:
    return [record.to_dict() for record in records]


async def read_records(client: Any) -> Any:
    records = client.records
    chosen = {"select": [ID, NAME], "orderby": [f"{NAME} desc"]}
    pages = await settled(records.list_pages(PROFILE, **chosen, top=17, page_size=7, count=True))
    one = await settled(records.retrieve(PROFILE, ABBIE_GUID, select=[NAME, CITY]))
    annotated = await settled(records.retrieve(PROFILE, ABBIE_GUID, select=["createdon"], include_annotations="*"))
    return {
        "one": one.to_dict(),
        "etag": one.etag,
        "nobody": await settled(records.retrieve(PROFILE, NOBODY)),
        "by key": (await settled(records.retrieve(PROFILE, f"{ID}='{ABBIE}'", select=[NAME]))).to_dict(),
        "annotated": annotated.to_dict(),
        "expanded": (await settled(records.retrieve(ACTIVITY, await an_activity(client), expand=[LOOKUP]))).to_dict(),
        "pages": [plain(page) for page in pages],
        "list": plain(await settled(records.list(PROFILE, **chosen))),
        "filtered": plain(await settled(records.list(PROFILE, filter="msdynci_lastname eq 'O''Brien'", select=[NAME]))),
    }


async def an_activity(client: Any) -> str:
    found = await settled(client.records.list(ACTIVITY, filter=f"{ID} eq '{ABBIE}'", top=1))
    return str(found[0]["msdynci_unifiedactivityid"])


async def build_queries(client: Any) -> Any:
    def profiles() -> Any:
        return client.query.builder(PROFILE).select(ID, NAME).order_by(ID)

    latest = (
        ExpandOption("msdynci_customer_unifiedactivity")
        .select("msdynci_activitytime", "msdynci_activitytype")
        .filter("msdynci_activitytime gt 2020-01-01T00:00:00Z")
        .order_by("msdynci_activitytime", descending=True)
        .top(2)
    )
    formatted = client.query.builder(ACTIVITY).where(col(ID) == ABBIE).include_annotations("*").top(1)
    expanded = profiles().where(col(ID) == ABBIE).expand(latest)
    table = (await settled(profiles().top(5).execute())).to_dataframe()
    return {
        "conditions": {
            name: [record[ID] for record in await settled(profiles().where(condition).execute())]
            for name, condition in CONDITIONS.items()
        },
        "expanded": plain(await settled(expanded.execute())),
        "by lookup": await count_of(client, col(f"_{LOOKUP}_value") == UUID(ABBIE_GUID)),
        "by negated lookup": await count_of(client, ~(col(f"_{LOOKUP}_value") != UUID(ABBIE_GUID))),
        "formatted": plain(await settled(formatted.execute())),
        "pages": [len(page) for page in await settled(profiles().page_size(9).count().execute_pages())],
        "top over pages": len(await settled(profiles().top(11).page_size(4).execute())),
        "dataframe": [list(table.shape), list(table.columns)],
    }


async def count_of(client: Any, condition: Any) -> int:
    return len(await settled(client.query.builder(ACTIVITY).select(ID).where(condition).execute()))


async def read_tables(client: Any) -> Any:
    tables = client.tables
    columns = await settled(tables.list_columns(ACTIVITY))
    typed = await settled(tables.list_columns(ACTIVITY, typed=True))
    strings = await settled(tables.list_columns(PROFILE, select=["LogicalName"], filter="AttributeType eq 'String'"))
    related = await settled(tables.list_table_relationships(ACTIVITY))
    return {
        "one": (await settled(tables.get(PROFILE))).to_dict(),
        "none": await settled(tables.get("account")),
        "unknown": await failure(lambda: client.records.list("account", top=1)),
        "all": [table["LogicalName"] for table in await settled(tables.list())],
        "chosen": await settled(tables.list(filter=f"SchemaName eq '{ACTIVITY}'", select=["LogicalName"])),
        "columns": {column["LogicalName"]: column["AttributeType"] for column in columns},
        "typed": typed,
        "strings": [column["LogicalName"] for column in strings],
        "column": (await settled(tables.get_column(ACTIVITY, "msdynci_title")))["AttributeType"],
        "no column": await settled(tables.get_column(ACTIVITY, "msdynci_nix")),
        "related": [relationship["SchemaName"] for relationship in related],
        "relationships": [one["SchemaName"] for one in await settled(tables.list_relationships())],
        "relationship": vars(await settled(tables.get_relationship("msdynci_customer_unifiedactivity"))),
        "keys": {key.schema_name: key.key_attributes for key in await settled(tables.get_alternate_keys(PROFILE))},
        "for sql": [column["name"] for column in await settled(client.query.sql_columns(ACTIVITY))],
        "expands": await settled(client.query.odata_expands(ACTIVITY)),
    }


async def batch_reads(client: Any) -> Any:
    batch = client.batch.new()
    batch.records.list(PROFILE, filter=f"{NAME} eq 'Abbie Moss' or {CITY} eq 'Zürich'", select=[NAME], top=2)
    batch.records.retrieve(PROFILE, NOBODY)
    batch.records.retrieve(PROFILE, ABBIE_GUID, select=[CITY])
    await settled(batch.tables.get(PROFILE))
    stopping = client.batch.new()
    stopping.records.retrieve(PROFILE, NOBODY)
    stopping.records.retrieve(PROFILE, ABBIE_GUID)
    return {
        "going on": [vars(part) for part in (await settled(batch.execute(continue_on_error=True))).responses],
        "stopping": [part.status_code for part in (await settled(stopping.execute())).responses],
    }


async def ask_wrongly(client: Any) -> Any:
    records = client.records
    return {
        "column": await failure(lambda: records.list(PROFILE, select=["msdynci_nix"])),
        "filter": await failure(lambda: records.list(PROFILE, filter=f"{CITY} eq 'x")),
        "sql": await failure(lambda: client.query.sql(f"SELECT TOP 1 {NAME} FROM {PROFILE}")),
        "fetchxml": await failure(
            lambda: client.query.fetchxml(f"<fetch top='1'><entity name='{PROFILE}'/></fetch>").execute()
        ),
    }


def new_activity(customer_id: str, **columns: Any) -> dict[str, Any]:
    usual = {ID: customer_id, "msdynci_activitytype": "Call", "msdynci_activitytime": "2026-10-01T09:00:00Z"}
    return usual | columns


async def write_in_vain(client: Any) -> Any:
    """What a service without writes says to each kind of write."""
    records, tables, item = client.records, client.tables, UpsertItem({ID: ABBIE}, {CITY: "Rome"})
    changes = client.batch.new()
    async with entered(changes.changeset()) as changeset:
        changeset.records.update(PROFILE, ABBIE_GUID, {CITY: "Rome"})
        changeset.records.create(ACTIVITY, new_activity(ABBIE))
    return {
        "create": await failure(lambda: records.create(ACTIVITY, new_activity(ABBIE))),
        "create several": await failure(lambda: records.create(ACTIVITY, [new_activity(ABBIE), new_activity(ABBIE)])),
        "update": await failure(lambda: records.update(PROFILE, ABBIE_GUID, {CITY: "Rome"})),
        "update several": await failure(lambda: records.update(PROFILE, [ABBIE_GUID], {CITY: "Rome"})),
        "upsert": await failure(lambda: records.upsert(PROFILE, [item])),
        "upsert several": await failure(lambda: records.upsert(PROFILE, [item, item])),
        "delete": await failure(lambda: records.delete(PROFILE, ABBIE_GUID)),
        "delete several": await failure(lambda: records.delete(PROFILE, [ABBIE_GUID])),
        "table": await failure(lambda: tables.create("new_table", {"new_name": "string"})),
        "column": await failure(lambda: tables.add_columns(PROFILE, {"new_name": "string"})),
        "changeset": [vars(part) for part in (await settled(changes.execute())).responses],
    }


class entered:  # noqa: N801 - reads as the statement it is
    """One context manager for both kinds."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    async def __aenter__(self) -> Any:
        is_async = hasattr(self._manager, "__aenter__")
        return await self._manager.__aenter__() if is_async else self._manager.__enter__()

    async def __aexit__(self, *raised: Any) -> Any:
        is_async = hasattr(self._manager, "__aexit__")
        return await self._manager.__aexit__(*raised) if is_async else self._manager.__exit__(*raised)


async def write(client: Any, customer_id: str, customer_guid: str) -> Any:
    """In columns that no question above is about."""
    records, street, code, country = client.records, "msdynci_addressline1", "msdynci_postalcode", "msdynci_country"
    created = await settled(records.create(ACTIVITY, new_activity(customer_id, msdynci_title="Ø'1", ttlinseconds=600)))
    several = await settled(records.create(ACTIVITY, [new_activity(customer_id), new_activity(customer_id)]))
    await settled(records.update(PROFILE, customer_guid, {street: "Rua São João 1"}))
    after = await settled(records.retrieve(PROFILE, customer_guid, select=[street, "ttlinseconds"]))
    await settled(records.update(PROFILE, [customer_guid], {street: "Jirón 2"}))
    await settled(records.upsert(PROFILE, [UpsertItem({ID: customer_id}, {country: "Peru"})]))
    changes = client.batch.new()
    async with entered(changes.changeset()) as changeset:
        changeset.records.create(ACTIVITY, new_activity(customer_id, msdynci_title="by changeset"))
        changeset.records.update(PROFILE, customer_guid, {code: "LIMA 1"})
    changed = (await settled(changes.execute())).responses
    return {
        "created": (await settled(records.retrieve(ACTIVITY, created))).to_dict(),
        "several": [(await settled(records.retrieve(ACTIVITY, one)))[ID] for one in several],
        "updated": after.to_dict(),
        "in the end": (
            await settled(records.retrieve(PROFILE, customer_guid, select=[street, code, country]))
        ).to_dict(),
        "changeset": [part.status_code for part in changed],
        "by changeset": (await settled(records.retrieve(ACTIVITY, changed[0].entity_id)))["msdynci_title"],
        "unknown column": await failure(lambda: records.update(PROFILE, customer_guid, {"msdynci_nix": "x"})),
        "nobody": await failure(lambda: records.update(PROFILE, NOBODY, {CITY: "Lima"})),
    }


async def scenario(reading: Any, writing: Any, customer: dict[str, str]) -> Any:
    return {
        "records": await read_records(reading),
        "queries": await build_queries(reading),
        "tables": await read_tables(reading),
        "batch": await batch_reads(reading),
        "wrong": await ask_wrongly(reading),
        "refused": await write_in_vain(reading),
        "written": await write(writing, customer["id"], customer["guid"]),
    }


def credential(kind: Any, root: str) -> Any:
    return kind("contoso", "topcoat-contributor", "topcoat-secret", authority=root, disable_instance_discovery=True)


def by_sync() -> Any:
    with (
        DataverseClient(READING, credential(ClientSecretCredential, READING)) as reading,
        DataverseClient(ROOT, credential(ClientSecretCredential, ROOT)) as writing,
    ):
        got = asyncio.run(scenario(reading, writing, GIVEN["customers"][0]))
        got["dataframe"] = list(reading.dataframe.get(PROFILE, select=[NAME], top=4).shape)
        pages = reading.records.get(PROFILE, filter=f"{CITY} ne null", select=[NAME], page_size=20)
        got["pages by get"] = [len(page) for page in pages]
        return got


async def by_aio() -> Any:
    async with (
        credential(AsyncClientSecretCredential, READING) as one,
        credential(AsyncClientSecretCredential, ROOT) as other,
        AsyncDataverseClient(READING, one) as reading,
        AsyncDataverseClient(ROOT, other) as writing,
    ):
        return await scenario(reading, writing, GIVEN["customers"][1])


class Bearer:
    """A credential that always brings the same token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(self._token, 2**40)


def by_instance() -> Any:
    """The same instance by its own address, which also is what the token is asked for."""
    root = f"{READING}/dataverse/{INSTANCE}"
    with DataverseClient(root, credential(ClientSecretCredential, READING)) as client:
        pages = client.records.list_pages(PROFILE, select=[NAME], page_size=20)
        return [len(page) for page in pages]


def with_tokens_that_are_none() -> Any:
    token = credential(ClientSecretCredential, ROOT).get_token(f"{ROOT}/.default").token
    bearers = {"foreign": GIVEN["foreign"], "expired": GIVEN["expired"], "damaged": token[:-8] + "AAAAAAAA"}

    def ask(bearer: str) -> Any:
        return DataverseClient(ROOT, Bearer(bearer)).records.list(PROFILE, top=1)

    return {name: asyncio.run(failure(lambda bearer=bearer: ask(bearer))) for name, bearer in bearers.items()}


def by_both_surfaces() -> Any:
    """Written by the vendor's REST client, read by its SDK; then the clock moves on."""
    rest, customer = CustomerInsights(base_url=f"{ROOT}/v1"), GIVEN["customers"][2]

    def seen() -> Any:
        activities = client.records.list(ACTIVITY, filter=f"{ID} eq '{customer['id']}' and msdynci_title eq 'By REST'")
        return [client.records.retrieve(PROFILE, customer["guid"])[CITY], len(activities)]

    with DataverseClient(ROOT, credential(ClientSecretCredential, ROOT)) as client:
        before = seen()
        activity = {"ActivityTime": "2026-11-01T08:00:00Z", "ActivityType": "Call", "Title": "By REST"}
        posted = {"CustomerId": customer["id"]} | activity
        rest.create_an_entity(INSTANCE, "UnifiedActivity", body=json.dumps(posted), custom_headers=HEADERS)
        city = json.dumps({"City": "Paris"})
        rest.update_an_entity(INSTANCE, "Customer", customer["id"], body=city, custom_headers=HEADERS)
        during = seen()
        advance("PT4H")
        later = seen()
        advance("P30D")
        return {"before": before, "during": during, "after four hours": later, "after thirty days": seen()}


def advance(duration: str) -> None:
    headers = {"Authorization": "Bearer topcoat-administrator"}
    answer = requests.post(f"{ROOT}/_topcoat/clock", json={"advance": duration}, headers=headers, timeout=30)
    answer.raise_for_status()


def main() -> None:
    got = {"sync": by_sync(), "aio": asyncio.run(by_aio())}
    got["by instance"] = by_instance()
    got["tokens"] = with_tokens_that_are_none()
    got["story"] = by_both_surfaces()
    sys.stdout.write(json.dumps(got))


if __name__ == "__main__":
    main()
