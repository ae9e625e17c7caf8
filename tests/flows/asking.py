"""Short ways to ask the flows, for tests."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.conftest import INSTANCE, NOW, Service
from topcoat.core import catalog
from topcoat.core.odata import address as addresses
from topcoat.core.odata import options as query_options
from topcoat.core.overlay.override import Override
from topcoat.flows.ingest import IngestedActivity, Write
from topcoat.flows.query.paging import Page


def write(valid_for: timedelta | None = None, caller: str | None = "tests") -> Write:
    valid_until = None if valid_for is None else catalog.format_instant(NOW + valid_for)
    return Write(valid_until=valid_until, caller=caller, principal="tests")


async def override(service: Service, customer_id: str, values: dict[str, Any], write_: Write | None = None) -> None:
    await service.flows.ingest.override_profile(INSTANCE, "Customer", customer_id, values, write_ or write())


async def post(
    service: Service, customer_id: str, activity_id: str | None = None, write_: Write | None = None, **columns: Any
) -> IngestedActivity:
    record = {"CustomerId": customer_id, "ActivityTime": "2026-11-20T10:00:00Z", "ActivityType": "Note", **columns}
    if activity_id is not None:
        record["ActivityId"] = activity_id
    return await service.flows.ingest.ingest_activity(INSTANCE, "UnifiedActivity", record, write_ or write())


async def post_purchase(service: Service, purchase_id: str, loyalty_id: str, **columns: Any) -> IngestedActivity:
    record = {
        "PurchaseId": purchase_id,
        "LoyaltyID": loyalty_id,
        "PurchasedOn": "2026-11-20T10:00:00Z",
        "StoreName": "Pike Place",
        "TotalAmount": 12.5,
        **columns,
    }
    return await service.flows.ingest.ingest_activity(INSTANCE, "PoS_posPurchases", record, write())


async def read(service: Service, customer_id: str, **options: str) -> dict[str, Any]:
    address = addresses.RecordAddress(table="Customer", key=customer_id, navigation=None, is_count=False)
    return await service.flows.query.read_record(INSTANCE, address, parsed(**options))


async def live_changes(service: Service, customer_id: str, instance: str = INSTANCE) -> list[Override]:
    return [live.change for live in await service.flows.query.list_changes(instance, customer_id)]


async def page(service: Service, table: str, instance: str = INSTANCE, **options: str) -> Page:
    address = addresses.RecordAddress(table=table, key=None, navigation=None, is_count=False)
    return await service.flows.query.read_records(instance, address, parsed(**options))


def parsed(**options: str) -> query_options.QueryOptions:
    """OData's options by name; `asOf` and `explain` stand without the dollar."""
    items = [(name if name in ("asOf", "explain") else f"${name}", value) for name, value in options.items()]
    return query_options.parse_options(items)


async def timeline(service: Service, customer_id: str, **options: str) -> list[dict[str, Any]]:
    found = await page(service, "UnifiedActivity", filter=f"CustomerId eq '{customer_id}'", **options)
    return found.records


async def all_pages(service: Service, table: str, instance: str = INSTANCE, **options: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        found = await page(service, table, instance, **options, **token)
        records += found.records
        if found.next_token is None:
            return records
        token = {"skiptoken": found.next_token}


def changed_sample(sample: Path, folder: Path, replaced: Mapping[str, str]) -> Path:
    """A copy of the sample with texts of its customers replaced; return its environment file."""
    copy = folder / "changed"
    shutil.copytree(sample, copy)
    customers = copy / "customers.csv"
    text = customers.read_text()
    for old, new in replaced.items():
        text = text.replace(old, new)
    customers.write_text(text)
    return copy / "contoso.yaml"
