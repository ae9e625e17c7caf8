"""What people do: buy in shops and online, and write reviews; each record in the columns of its source table."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

from topcoat.core import mapping
from topcoat.core.catalog import Document, Table, format_instant
from topcoat.sample import tables, words
from topcoat.sample.people import Person

LAST_INSTANT: Final = datetime(2026, 10, 31, 20, tzinfo=UTC)

_SITE: Final = "https://contoso.example"
_CURRENCY: Final = "USD"
_CENTS_MIN, _CENTS_MAX = 250, 6000

# How often somebody does it: one of these, each as likely as the next.
_PURCHASE_COUNTS: Final = (0, 1, 2, 3, 3, 4, 5, 6, 9)
_ORDER_COUNTS: Final = (0, 1, 1, 2, 2, 3, 5)
_REVIEW_COUNTS: Final = (0, 0, 0, 1, 1, 2)
_ABBIES_COUNT: Final = 3


@dataclass(slots=True)
class Journal:
    """Numbers records through; their ids are unique in their table."""

    _chance: random.Random
    _purchase_numbers: Iterator[int] = field(default_factory=lambda: count(100_001))
    _order_numbers: Iterator[int] = field(default_factory=lambda: count(500_001))
    _review_numbers: Iterator[int] = field(default_factory=lambda: count(9_001))

    def make_purchases(self, person: Person) -> list[Document]:
        """In shops, since the person is a member."""
        return [self._purchase(person) for _ in range(self._how_often(person, _PURCHASE_COUNTS))]

    def make_orders(self, person: Person) -> list[Document]:
        """In the online shop."""
        return [self._order(person) for _ in range(self._how_often(person, _ORDER_COUNTS))]

    def make_reviews(self, person: Person) -> list[Document]:
        """On the web site; nobody writes the same twice."""
        opinions = self._chance.sample(words.OPINIONS, self._how_often(person, _REVIEW_COUNTS))
        return [self._review(person, opinion) for opinion in opinions]

    def _how_often(self, person: Person, counts: tuple[int, ...]) -> int:
        return _ABBIES_COUNT if person.number == 1 else self._chance.choice(counts)

    def _purchase(self, person: Person) -> Document:
        purchase_id = f"POS_{next(self._purchase_numbers)}"
        return {
            "PurchaseId": purchase_id,
            "LoyaltyID": person.loyalty_id,
            "PurchasedOn": self._instant_since(person.enrolled_at),
            "StoreName": self._chance.choice(words.STORES),
            "TotalAmount": self._chance.randrange(_CENTS_MIN, _CENTS_MAX, 5) / 100,
            "Currency": _CURRENCY,
            "ReceiptUrl": f"{_SITE}/receipts/{purchase_id}",
        }

    def _order(self, person: Person) -> Document:
        order_id = f"ORD_{next(self._order_numbers)}"
        product = self._chance.choice(words.PRODUCTS)
        quantity = self._chance.choice((1, 1, 1, 2, 3))
        return {
            "PurchaseId": order_id,
            "ContactId": person.contact_id,
            "PurchasedOn": self._instant_since(person.joined_at),
            "ProductName": product.name,
            "Quantity": quantity,
            "TotalAmount": product.price_cents * quantity / 100,
            "Currency": _CURRENCY,
            "OrderUrl": f"{_SITE}/orders/{order_id}",
        }

    def _review(self, person: Person, opinion: words.Opinion) -> Document:
        review_id = f"REV_{next(self._review_numbers)}"
        return {
            "ReviewId": review_id,
            "ContactId": person.contact_id,
            "ReviewDate": self._instant_since(person.joined_at),
            "Rating": self._chance.choice(opinion.ratings),
            "Headline": opinion.headline,
            "Body": opinion.body,
            "Url": f"{_SITE}/reviews/{review_id}",
        }

    def _instant_since(self, first: datetime) -> str:
        seconds = int((LAST_INSTANT - first).total_seconds())
        return format_instant(first + timedelta(seconds=self._chance.randrange(seconds)))


def unify_activity(table: Table, record: Document, customer_id: str) -> Document:
    """The very document that the record would be if it were posted in real time (S12)."""
    return mapping.map_source_record(table, record).document | {"CustomerId": customer_id}


def spent_cents(purchases: list[Document], orders: list[Document]) -> int:
    return sum(round(record["TotalAmount"] * 100) for record in (*purchases, *orders))


def by_table(
    member: Document | None, purchases: list[Document], orders: list[Document], reviews: list[Document]
) -> Iterator[tuple[Table, Document]]:
    """Every source record that is an activity, with its table; an enrolment is one."""
    if member is not None:
        yield tables.MEMBERS, member
    for table, records in ((tables.PURCHASES, purchases), (tables.ORDERS, orders), (tables.REVIEWS, reviews)):
        for record in records:
            yield table, record
