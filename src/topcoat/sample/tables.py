"""The tables of Contoso Coffee: what its data sources bring, and what its customers look like when unified."""

from typing import Final

from topcoat.core.catalog import ActivityConfiguration, Column, ColumnType, Table, TableKind

_STRING = ColumnType.STRING


def _source_table(
    name: str, primary_key: str, columns: dict[str, ColumnType], activity: ActivityConfiguration | None = None
) -> Table:
    return Table(
        name=name,
        kind=TableKind.SOURCE,
        columns=tuple(
            Column(column, type_, is_key=column == primary_key, is_mandatory=column == primary_key)
            for column, type_ in columns.items()
        ),
        primary_key=primary_key,
        data_source=name.partition("_")[0],
        activity=activity,
    )


CONTACTS: Final = _source_table(
    "eCommerce_eCommerceContacts",
    "ContactId",
    {
        "ContactId": _STRING,
        "FirstName": _STRING,
        "LastName": _STRING,
        "EMail": _STRING,
        "Telephone": _STRING,
        "DateOfBirth": ColumnType.DATE,
        "Gender": _STRING,
        "AddressLine1": _STRING,
        "City": _STRING,
        "PostalCode": _STRING,
        "Country": _STRING,
        "EmailOptIn": ColumnType.BOOLEAN,
        "CreatedOn": ColumnType.DATE_TIME,
    },
)

_MEMBERS_NAME = "LoyaltyScheme_loyCustomers"

MEMBERS: Final = _source_table(
    _MEMBERS_NAME,
    "LoyaltyID",
    {
        "LoyaltyID": _STRING,
        "FirstName": _STRING,
        "LastName": _STRING,
        "EMail": _STRING,
        "Telephone": _STRING,
        "DateOfBirth": ColumnType.DATE,
        "AddressLine1": _STRING,
        "City": _STRING,
        "PostalCode": _STRING,
        "Country": _STRING,
        "LoyaltyTier": _STRING,
        "RewardsPoints": ColumnType.INTEGER,
        "EnrolledOn": ColumnType.DATE_TIME,
        "EnrolledAt": _STRING,
    },
    ActivityConfiguration(
        name="Loyalty enrolment",
        type="Loyalty",
        timestamp="EnrolledOn",
        event="EnrolledAt",
        detail="LoyaltyTier",
        customer_column="LoyaltyID",
        customer_table=_MEMBERS_NAME,
    ),
)

ORDERS: Final = _source_table(
    "eCommerce_eCommercePurchases",
    "PurchaseId",
    {
        "PurchaseId": _STRING,
        "ContactId": _STRING,
        "PurchasedOn": ColumnType.DATE_TIME,
        "ProductName": _STRING,
        "Quantity": ColumnType.INTEGER,
        "TotalAmount": ColumnType.DECIMAL,
        "Currency": _STRING,
        "OrderUrl": _STRING,
    },
    ActivityConfiguration(
        name="Online purchase",
        type="SalesOrder",
        timestamp="PurchasedOn",
        event="ProductName",
        detail="TotalAmount",
        url="OrderUrl",
        customer_column="ContactId",
        customer_table=CONTACTS.name,
    ),
)

PURCHASES: Final = _source_table(
    "PoS_posPurchases",
    "PurchaseId",
    {
        "PurchaseId": _STRING,
        "LoyaltyID": _STRING,
        "PurchasedOn": ColumnType.DATE_TIME,
        "StoreName": _STRING,
        "TotalAmount": ColumnType.DECIMAL,
        "Currency": _STRING,
        "ReceiptUrl": _STRING,
    },
    ActivityConfiguration(
        name="Store purchase",
        type="SalesOrder",
        timestamp="PurchasedOn",
        event="StoreName",
        detail="TotalAmount",
        url="ReceiptUrl",
        customer_column="LoyaltyID",
        customer_table=MEMBERS.name,
    ),
)

REVIEWS: Final = _source_table(
    "Website_webReviews",
    "ReviewId",
    {
        "ReviewId": _STRING,
        "ContactId": _STRING,
        "ReviewDate": ColumnType.DATE_TIME,
        "Rating": ColumnType.INTEGER,
        "Headline": _STRING,
        "Body": _STRING,
        "Url": _STRING,
    },
    ActivityConfiguration(
        name="Web review",
        type="Feedback",
        timestamp="ReviewDate",
        event="Headline",
        detail="Body",
        url="Url",
        customer_column="ContactId",
        customer_table=CONTACTS.name,
    ),
)

ACCOUNTS: Final = _source_table("Finance_accounts", "Email", {"Email": _STRING, "TotalSpend": ColumnType.DECIMAL})
"""What the warehouse knows of whoever gave an address; spelt as the till printed it."""

SOURCES: Final = (CONTACTS, ORDERS, MEMBERS, PURCHASES, REVIEWS)

CONTACT_KEY: Final = f"{CONTACTS.name}_{CONTACTS.primary_key}"
MEMBER_KEY: Final = f"{MEMBERS.name}_{MEMBERS.primary_key}"

CUSTOMER_COLUMNS: Final = {
    "CustomerId": _STRING,
    "FullName": _STRING,
    "FirstName": _STRING,
    "LastName": _STRING,
    "EMail": _STRING,
    "Telephone": _STRING,
    "DateOfBirth": ColumnType.DATE,
    "Gender": _STRING,
    "AddressLine1": _STRING,
    "City": _STRING,
    "PostalCode": _STRING,
    "Country": _STRING,
    "LoyaltyTier": _STRING,
    "RewardsPoints": ColumnType.INTEGER,
    "TotalSpend": ColumnType.DECIMAL,
    "EmailOptIn": ColumnType.BOOLEAN,
    "CustomerSince": ColumnType.DATE_TIME,
    CONTACT_KEY: _STRING,
    MEMBER_KEY: _STRING,
    "PreviousCustomerId": _STRING,
}
MEASURE_COLUMNS: Final = {
    "CustomerId": _STRING,
    "LifetimeSpend": ColumnType.DECIMAL,
    "PurchaseCount": ColumnType.INTEGER,
    "LastPurchaseOn": ColumnType.DATE_TIME,
}
SEGMENT_COLUMNS: Final = ("Segment", "CustomerId")
_LOOKED_UP: Final = (
    "City",
    "Country",
    "LastName",
    "LoyaltyTier",
    "RewardsPoints",
    "TotalSpend",
    "CustomerSince",
    "DateOfBirth",
    "EmailOptIn",
)
SEARCH: Final = {
    "searchable": ("FullName", "FirstName", "LastName", "EMail", "City", "AddressLine1"),
    "filterable": _LOOKED_UP,
    "sortable": _LOOKED_UP,
    "facetable": ("City", "LoyaltyTier"),
}
KEY_RING_COLUMNS: Final = ("Table", "Key", "CustomerId")
TRUTH_COLUMNS: Final = ("Table", "Key", "Person")
