"""What a test reads back to see whether anything was stored, and the fields it finds."""

from typing import Any

import httpx

NOW_TEXT = "2026-11-24T12:00:00Z"
INSTANCE_METADATA = [
    "isB2B",
    "isB2C",
    "isByoPbi",
    "isByoSynapse",
    "isCdsMdlOrCdsByodl",
    "name",
    "provisioningState",
    "instanceType",
    "refreshSchedule",
    "expiryTimeUtc",
    "region",
    "cdsOrgInfo",
    "cdsMdlInfo",
    "maxTrialExtensionsAllowed",
    "trialExtensionHistory",
    "isRefreshCredentialRequired",
    "trialExtensionDetails",
    "configuredWorkspaces",
    "platformType",
    "azureRegion",
    "version",
    "updatedBy",
    "updatedUtc",
    "createdBy",
    "createdUtc",
    "instanceId",
]


async def read_profile(client: httpx.AsyncClient, base: str, customer_id: str) -> dict[str, Any]:
    answer = await client.get(f"{base}/data/Customer('{customer_id}')")
    assert answer.status_code == 200, answer.text
    return {name: value for name, value in answer.json().items() if not name.startswith("@")}


async def read_timeline(client: httpx.AsyncClient, base: str, customer_id: str) -> list[dict[str, Any]]:
    """Up to a thousand, newest first."""
    answer = await client.get(f"{base}/data/Customer('{customer_id}')/UnifiedActivity?$top=1000")
    assert answer.status_code == 200, answer.text
    records: list[dict[str, Any]] = answer.json()["value"]
    return records


async def read_activity_ids(client: httpx.AsyncClient, base: str, customer_id: str) -> list[str]:
    return [activity["ActivityId"] for activity in await read_timeline(client, base, customer_id)]


async def read_changes(client: httpx.AsyncClient, base: str, customer_id: str) -> list[dict[str, Any]]:
    answer = await client.get(f"{base}/changes", params={"customerId": customer_id})
    assert answer.status_code == 200, answer.text
    changes: list[dict[str, Any]] = answer.json()["value"]
    return changes


async def read_everything(client: httpx.AsyncClient, base: str, customer_id: str) -> tuple[Any, ...]:
    """The profile, its timeline, its live changes, and how many activities there are in all."""
    answer = await client.get(f"{base}/data/UnifiedActivity?$top=1000&$select=ActivityId")
    return (
        await read_profile(client, base, customer_id),
        await read_timeline(client, base, customer_id),
        await read_changes(client, base, customer_id),
        len(answer.json()["value"]),
    )


def activity(customer_id: str, **columns: Any) -> dict[str, Any]:
    """A record in UnifiedActivity format."""
    return {
        "ActivityId": "A-1",
        "CustomerId": customer_id,
        "ActivityTime": "2026-11-24T11:00:00Z",
        "ActivityType": "SalesOrder",
        "Title": "Two bags of beans",
    } | columns


def purchase(loyalty_id: str, **columns: Any) -> dict[str, Any]:
    """A record of PoS_posPurchases."""
    return {
        "PurchaseId": "P-1",
        "LoyaltyID": loyalty_id,
        "PurchasedOn": "2026-11-24T11:30:00Z",
        "StoreName": "Pike Place",
        "TotalAmount": 12.5,
        "Currency": "USD",
        "ReceiptUrl": "https://contoso.com/receipts/P-1",
    } | columns
