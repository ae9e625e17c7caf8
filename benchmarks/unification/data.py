"""Two tables of customers who are partly the same people, and two of what they do, as Parquet files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

INSTANCE_ID: Final = "be9c4000-0000-4000-8000-000000000005"
ACTIVITY_FILES: Final = 20
CHANGED_EVERY: Final = 100


@dataclass(frozen=True, slots=True)
class Scale:
    """Of `customers` records, 55 of 100 are contacts and 45 members; 40 of 60 people are both."""

    customers: int
    activities: int

    @property
    def contacts(self) -> int:
        return self.customers * 55 // 100

    @property
    def first_member(self) -> int:
        return self.customers * 15 // 100

    @property
    def people(self) -> int:
        return self.first_member + self.customers * 45 // 100


def write(folder: Path, scale: Scale) -> Path:
    """Return the environment file."""
    connection = duckdb.connect()
    write_customers(connection, folder, scale, changed=False)
    for kind in ("orders", "purchases"):
        for file in range(ACTIVITY_FILES):
            write_activities(connection, folder, scale, kind, file, changed=False)
    environment = folder / "environment.yaml"
    environment.write_text(_ENVIRONMENT)
    return environment


def change(folder: Path, scale: Scale) -> None:
    """Another city for one customer record of a hundred; another price for one activity of a hundred, all of them in
    the newest file of their table, as they are where a table is partitioned by time."""
    connection = duckdb.connect()
    write_customers(connection, folder, scale, changed=True)
    for kind in ("orders", "purchases"):
        write_activities(connection, folder, scale, kind, ACTIVITY_FILES - 1, changed=True)


def write_customers(connection: duckdb.DuckDBPyConnection, folder: Path, scale: Scale, *, changed: bool) -> None:
    city = f"CASE WHEN i % {CHANGED_EVERY} = 7 THEN 'Moved away' ELSE {_CITY} END" if changed else _CITY
    _copy(connection, _CONTACTS.format(city=city, last=scale.contacts), folder / "contacts.parquet")
    _copy(
        connection, _MEMBERS.format(city=city, first=scale.first_member, last=scale.people), folder / "members.parquet"
    )


def write_activities(
    connection: duckdb.DuckDBPyConnection, folder: Path, scale: Scale, kind: str, file: int, *, changed: bool
) -> None:
    """Each file has an equal share of the table's rows."""
    share = scale.activities // 2 // ACTIVITY_FILES
    changed_rows = share * ACTIVITY_FILES // CHANGED_EVERY if changed else 0
    amount = f"(i % 9973) / 100.0 + CASE WHEN i < {file * share + changed_rows} THEN 1 ELSE 0 END"
    first, last = file * share, (file + 1) * share
    (folder / kind).mkdir(exist_ok=True)
    statement = _ACTIVITIES[kind].format(
        amount=amount, first=first, last=last, contacts=scale.contacts, member=scale.first_member, people=scale.people
    )
    _copy(connection, statement, folder / kind / f"part-{file:02}.parquet")


def _copy(connection: duckdb.DuckDBPyConnection, statement: str, file: Path) -> None:
    connection.execute(f"COPY ({statement}) TO '{file}' (FORMAT parquet)")


_CITY: Final = "'City ' || (i * 7919 % 1000)"
_NAMES: Final = "'First' || (i * 31 % 4001) AS FirstName, 'Last' || (i * 17 % 20011) AS LastName"
_BORN: Final = "DATE '1940-01-01' + CAST(i * 13 % 24000 AS INTEGER) AS DateOfBirth"
_JOINED: Final = "TIMESTAMP '2020-01-01' + INTERVAL (i % 100000000) SECOND"

_CONTACTS: Final = f"""
SELECT 'CNTID_' || i AS ContactId, {_NAMES}, 'Person' || i || '@contoso.example' AS EMail,
       '+1 206 ' || lpad(CAST(i AS VARCHAR), 7, '0') AS Telephone, {_BORN}, {{city}} AS City, {_JOINED} AS CreatedOn
FROM range({{last}}) r(i)
"""
_MEMBERS: Final = f"""
SELECT 'LOYID_' || i AS LoyaltyID, {_NAMES},
       CASE WHEN i % 10 = 0 THEN NULL ELSE 'PERSON' || i || '@contoso.example' END AS EMail,
       '206' || lpad(CAST(i AS VARCHAR), 7, '0') AS Telephone, {_BORN}, {{city}} AS City,
       i % 5000 AS RewardsPoints, {_JOINED} AS EnrolledOn
FROM range({{first}}, {{last}}) r(i)
"""
_DONE: Final = "TIMESTAMP '2021-01-01' + INTERVAL (i % 150000000) SECOND"
_ACTIVITIES: Final = {
    "orders": f"""
SELECT 'ORD_' || i AS OrderId, 'CNTID_' || (i * 7919 % {{contacts}}) AS ContactId, {_DONE} AS OrderedOn,
       'Product ' || (i % 200) AS ProductName, {{amount}} AS TotalAmount,
       'https://contoso.example/orders/' || i AS OrderUrl
FROM range({{first}}, {{last}}) r(i)
""",
    "purchases": f"""
SELECT 'POS_' || i AS PurchaseId, 'LOYID_' || ({{member}} + i * 7919 % ({{people}} - {{member}})) AS LoyaltyID,
       {_DONE} AS PurchasedOn, 'Store ' || (i % 50) AS StoreName, {{amount}} AS TotalAmount,
       'https://contoso.example/receipts/' || i AS ReceiptUrl
FROM range({{first}}, {{last}}) r(i)
""",
}

_ENVIRONMENT: Final = f"""\
instance: {{id: {INSTANCE_ID}, name: Benchmark}}
tables:
  Shop_contacts:
    primary_key: ContactId
    columns: {{ContactId: string, FirstName: string, LastName: string, EMail: string, Telephone: string,
              DateOfBirth: date, City: string, CreatedOn: date-time}}
    file: contacts.parquet
    keep_rows: false
  Loyalty_members:
    primary_key: LoyaltyID
    columns: {{LoyaltyID: string, FirstName: string, LastName: string, EMail: string, Telephone: string,
              DateOfBirth: date, City: string, RewardsPoints: integer, EnrolledOn: date-time}}
    file: members.parquet
    keep_rows: false
  Shop_orders:
    primary_key: OrderId
    columns: {{OrderId: string, ContactId: string, OrderedOn: date-time, ProductName: string, TotalAmount: decimal,
              OrderUrl: string}}
    file: orders
    keep_rows: false
  PoS_purchases:
    primary_key: PurchaseId
    columns: {{PurchaseId: string, LoyaltyID: string, PurchasedOn: date-time, StoreName: string, TotalAmount: decimal,
              ReceiptUrl: string}}
    file: purchases
    keep_rows: false
activities:
  Shop_orders: {{name: Online purchase, type: SalesOrder, timestamp: OrderedOn, event: ProductName,
                detail: TotalAmount, url: OrderUrl, customer: {{column: ContactId, table: Shop_contacts}}}}
  PoS_purchases: {{name: Store purchase, type: SalesOrder, timestamp: PurchasedOn, event: StoreName,
                  detail: TotalAmount, url: ReceiptUrl, customer: {{column: LoyaltyID, table: Loyalty_members}}}}
unification:
  tables: [Shop_contacts, Loyalty_members]
  matching:
    - name: Same mail
      table: Loyalty_members
      other_table: Shop_contacts
      conditions: [{{column: EMail, normalize: [whitespace, case]}}]
    - name: Same birthday and names alike
      table: Loyalty_members
      other_table: Shop_contacts
      conditions:
        - {{column: DateOfBirth}}
        - {{column: LastName, precision: high}}
        - {{column: FirstName, precision: high}}
"""
