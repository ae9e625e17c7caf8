"""What Contoso Coffee's warehouse computes: the measures of a customer, and the segments that they put it in."""

from collections.abc import Callable, Mapping
from typing import Final

from topcoat.core.catalog import Document
from topcoat.sample import activities

HIGH_VALUE_SPEND: Final = 400
NEW_SINCE: Final = "2026-01-01"


def measure(customer_id: str, purchases: list[Document], orders: list[Document]) -> Document:
    bought = (*purchases, *orders)
    return {
        "CustomerId": customer_id,
        "LifetimeSpend": activities.spent_cents(purchases, orders) / 100,
        "PurchaseCount": len(bought),
        "LastPurchaseOn": max((record["PurchasedOn"] for record in bought), default=None),
    }


def segments_of(profile: Document, measures: Document) -> list[str]:
    return [name for name, holds in SEGMENTS.items() if holds(profile, measures)]


def _is_high_value(_: Document, measures: Document) -> bool:
    return bool(measures["LifetimeSpend"] >= HIGH_VALUE_SPEND)


def _is_gold(profile: Document, _: Document) -> bool:
    return bool(profile["LoyaltyTier"] == "Gold")


def _is_new(profile: Document, _: Document) -> bool:
    return str(profile["CustomerSince"]) >= NEW_SINCE


SEGMENTS: Final[Mapping[str, Callable[[Document, Document], bool]]] = {
    "HighValue": _is_high_value,
    "LoyaltyGold": _is_gold,
    "NewCustomers": _is_new,
}
