"""Builders with defaults: a test names only what it means."""

from datetime import UTC, datetime, timedelta
from typing import Any

from topcoat.core.catalog import ActivityConfiguration, Catalog, Column, ColumnType, Document, Table, TableKind
from topcoat.core.overlay.override import Confirmation, Override, View, Withdrawal
from topcoat.core.overlay.timeline import Activity

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CUSTOMER_ID = "0123456789abcdef0123456789abcdef"

CUSTOMER_COLUMNS = (
    Column("CustomerId", is_key=True, is_mandatory=True),
    Column("FullName"),
    Column("City"),
    Column("DateOfBirth", ColumnType.DATE),
    Column("RewardsPoints", ColumnType.INTEGER),
    Column("TotalSpend", ColumnType.DECIMAL),
    Column("EmailOptIn", ColumnType.BOOLEAN),
    Column("CustomerSince", ColumnType.DATE_TIME),
)

PURCHASE_COLUMNS = (
    Column("PurchaseId", is_key=True, is_mandatory=True),
    Column("LoyaltyID"),
    Column("PurchasedOn", ColumnType.DATE_TIME),
    Column("StoreName"),
    Column("TotalAmount", ColumnType.DECIMAL),
    Column("Currency"),
    Column("ReceiptUrl"),
)


def table(
    *,
    name: str = "Customer",
    kind: TableKind = TableKind.CUSTOMER,
    columns: tuple[Column, ...] = CUSTOMER_COLUMNS,
    primary_key: str = "CustomerId",
    data_source: str | None = None,
    activity: ActivityConfiguration | None = None,
) -> Table:
    return Table(name, kind, columns, primary_key, data_source, activity)


def table_of(type_: ColumnType) -> Table:
    """A table whose column `Value` has the type."""
    return table(columns=(Column("CustomerId", is_key=True), Column("Value", type_)))


def source_table(
    *,
    name: str = "PoS_posPurchases",
    columns: tuple[Column, ...] = PURCHASE_COLUMNS,
    activity: ActivityConfiguration | None = None,
) -> Table:
    """Purchases in shops, without a configuration unless one is given."""
    return table(
        name=name,
        kind=TableKind.SOURCE,
        columns=columns,
        primary_key=columns[0].name,
        data_source="PoS",
        activity=activity,
    )


def activity_configuration(
    *,
    name: str = "Store purchase",
    type_: str = "SalesOrder",
    timestamp: str = "PurchasedOn",
    customer_column: str = "LoyaltyID",
    customer_table: str = "LoyaltyScheme_loyCustomers",
    event: str | None = "StoreName",
    title: str | None = None,
    detail: str | None = "TotalAmount",
    url: str | None = "ReceiptUrl",
    is_shown: bool = True,
    time_zone: str = "UTC",
) -> ActivityConfiguration:
    return ActivityConfiguration(
        name=name,
        type=type_,
        timestamp=timestamp,
        customer_column=customer_column,
        customer_table=customer_table,
        event=event,
        title=title,
        detail=detail,
        url=url,
        is_shown=is_shown,
        time_zone=time_zone,
    )


def catalog(*tables: Table) -> Catalog:
    return Catalog(tables or (table(),))


def purchase(**columns: Any) -> Document:
    """A record of the table of purchases; a column given as None is null."""
    return {
        "PurchaseId": "P-1",
        "LoyaltyID": "L-1",
        "PurchasedOn": "2026-11-24T11:30:00Z",
        "StoreName": "Pike Place",
        "TotalAmount": 12.5,
        "Currency": "USD",
        "ReceiptUrl": "https://contoso.com/receipts/P-1",
    } | columns


def profile(**columns: Any) -> Document:
    """A record of the customer table as a snapshot holds it."""
    return {
        "CustomerId": CUSTOMER_ID,
        "FullName": "Abbie Moss",
        "City": "Seattle",
        "RewardsPoints": 120,
    } | columns


def override(
    *,
    sequence: int = 1,
    columns: Document | None = None,
    valid_for: timedelta = timedelta(hours=4),
    recorded_at: datetime = NOW,
    customer_id: str = CUSTOMER_ID,
    caller: str | None = None,
    principal: str | None = "topcoat-contributor",
) -> Override:
    return Override(
        sequence=sequence,
        customer_id=customer_id,
        columns={"City": "Paris"} if columns is None else columns,
        recorded_at=recorded_at,
        valid_until=recorded_at + valid_for,
        caller=caller,
        principal=principal,
    )


def withdrawal(withdrawn: int, *, sequence: int = 100) -> Withdrawal:
    return Withdrawal(sequence=sequence, withdrawn=withdrawn)


def confirmation(column: str, *, judged: int, sequence: int = 100, generation: int = 1) -> Confirmation:
    return Confirmation(sequence=sequence, column=column, judged=judged, generation=generation)


def view(*, generation: int = 1, sequence: int = 1_000, now: datetime = NOW) -> View:
    """Sees every write of a test unless its sequence is given."""
    return View(generation=generation, sequence=sequence, now=now)


def activity(
    activity_id: str = "a-1",
    *,
    at: datetime = NOW - timedelta(days=1),
    sequence: int | None = None,
    valid_for: timedelta | None = None,
    source_table: str | None = None,
    customer_id: str = CUSTOMER_ID,
) -> Activity:
    """One of the snapshot, or with a sequence a real-time one, recorded now and valid for 30 days."""
    lifetime = timedelta(days=30) if valid_for is None else valid_for
    return Activity(
        activity_id=activity_id,
        customer_id=customer_id,
        activity_time=at,
        document={"ActivityId": activity_id},
        source_table=source_table,
        sequence=sequence,
        valid_until=None if sequence is None else NOW + lifetime,
    )
