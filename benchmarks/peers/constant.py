"""The ceiling: the same server answering about as many bytes, with no work behind them."""

import json
from typing import Any

from fastapi import FastAPI

RECORD: dict[str, Any] = {
    "@odata.context": "http://127.0.0.1:8300/api/instances/c0ffee00/data/$metadata#Customer/$entity",
    "CustomerId": "ce759201f786d590bf2134bff576c369",
    "FullName": "Abbie Moss",
    "FirstName": "Abbie",
    "LastName": "Moss",
    "EMail": "abbie.moss@contoso.com",
    "Telephone": "+1 206 555 0101",
    "DateOfBirth": "1987-03-14",
    "Gender": "Female",
    "AddressLine1": "1 Pike Street",
    "City": "Seattle",
    "PostalCode": "98101",
    "Country": "United States",
    "LoyaltyTier": "Gold",
    "RewardsPoints": 1250,
    "TotalSpend": 431.25,
    "EmailOptIn": True,
    "CustomerSince": "2019-06-01T08:30:00Z",
    "eCommerce_eCommerceContacts_ContactId": "CNTID_1001",
    "LoyaltyScheme_loyCustomers_LoyaltyID": "LOYID_1001",
    "PreviousCustomerId": None,
}
_BODY = json.dumps(RECORD).encode()
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]

with_fastapi = FastAPI()


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request alike, after taking its body off the wire."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


@with_fastapi.get("/customers/{customer_id}")
async def read_constant(customer_id: str) -> dict[str, Any]:  # noqa: ARG001 - parsed, as a real route would
    return RECORD


@with_fastapi.post("/activities")
async def write_constant(activity: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - read, as a real route would
    return RECORD
