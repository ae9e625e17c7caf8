"""Records of source tables: kept by a refresh, read by key order, on both databases."""

import json
from pathlib import Path

import pytest

from tests.conftest import INSTANCE, Service
from tests.flows import asking
from topcoat.core import errors
from topcoat.core.odata.address import RecordAddress

ENVIRONMENT = """
instance: {id: c0ffee00-0000-4000-8000-000000000001, name: Contoso Coffee}
tables:
  Shop_sales:
    primary_key: SaleId
    columns: {SaleId: integer, MemberId: string, SoldOn: date-time, Amount: decimal}
    file: sales.jsonl
  Club_members:
    primary_key: MemberId
    columns: {MemberId: string, Name: string}
    file: members.csv
  Web_visits:
    primary_key: VisitId
    columns: {VisitId: string}
activities:
  Shop_sales:
    name: Sale
    type: SalesOrder
    timestamp: SoldOn
    customer: {column: MemberId, table: Club_members}
    time_zone: Europe/Oslo
unified:
  customer: {file: customers.jsonl, columns: {CustomerId: string, Club_members_MemberId: string}}
"""
MEMBERS = "MemberId,Name\n"

Rows = list[dict[str, object]]


def environment(folder: Path, sales: Rows, members: str = MEMBERS, text: str = ENVIRONMENT) -> Path:
    (folder / "customers.jsonl").write_text('{"CustomerId": "a", "Club_members_MemberId": "m-1"}\n')
    (folder / "sales.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sales))
    (folder / "members.csv").write_text(members)
    file = folder / "environment.yaml"
    file.write_text(text)
    return file


def sale(number: int, **columns: object) -> dict[str, object]:
    return {"SaleId": number, "Amount": 2.5, **columns}


async def read_ids(service: Service, table: str, **options: str) -> list[object]:
    records = await asking.all_pages(service, table, **options)
    return [next(iter(record.values())) for record in records]


async def count(service: Service, table: str) -> int:
    address = RecordAddress(table=table, is_count=True)
    return await service.flows.query.count_records(INSTANCE, address, asking.parsed())


async def test_records_are_read_in_the_order_of_their_keys(service: Service, tmp_path: Path) -> None:
    members = MEMBERS + "m-9,Zoë\nM-10,\nm-10,Bo\n"
    await service.refresh(environment(tmp_path, [sale(number) for number in range(8, 251)], members))

    by_text = await read_ids(service, "Shop_sales")
    by_value = await read_ids(service, "Shop_sales", orderby="SaleId", skip="2")
    backwards = await read_ids(service, "Shop_sales", orderby="saleid desc", top="5")

    assert by_text == sorted(range(8, 251), key=str)
    assert by_value == list(range(10, 251))
    assert backwards == [250, 249, 248, 247, 246]
    assert (await asking.page(service, "Club_members")).records == [
        {"MemberId": "M-10", "Name": None},
        {"MemberId": "m-10", "Name": "Bo"},
        {"MemberId": "m-9", "Name": "Zoë"},
    ]
    assert await read_ids(service, "Club_members", orderby="MemberId desc") == ["m-9", "m-10", "M-10"]
    assert [await count(service, table) for table in ("Shop_sales", "Club_members")] == [243, 3]


async def test_pages_stay_at_the_generation_at_which_they_began(service: Service, tmp_path: Path) -> None:
    """S21, S25."""
    await service.refresh(environment(tmp_path, [sale(number) for number in range(100, 350)]))
    first = await asking.page(service, "Shop_sales", select="SaleId", count="true")
    report = await service.refresh(environment(tmp_path, [sale(number, Amount=9) for number in range(200, 210)]))

    assert first.next_token is not None
    second = await asking.page(service, "Shop_sales", select="SaleId", count="true", skiptoken=first.next_token)

    assert (first.count, second.count, await count(service, "Shop_sales")) == (250, 250, 10)
    assert [*first.records, *second.records] == [{"SaleId": number} for number in range(100, 300)]
    assert (report.closed["source_record"], report.opened["source_record"]) == (250, 10)
    await service.undo()
    assert await count(service, "Shop_sales") == 250


async def test_one_record_is_read_by_its_key(service: Service, tmp_path: Path) -> None:
    """A date-time without an offset is in the time zone of the table's activities (S11)."""
    sales = [sale(7, SoldOn="2026-01-02T03:04"), sale(70, SoldOn="2026-01-02T03:04:00Z")]
    await service.refresh(environment(tmp_path, sales))

    found = [
        await service.flows.query.read_record(INSTANCE, RecordAddress(table="Shop_sales", key=key), asking.parsed())
        for key in ("7", "70")
    ]

    assert [record["SoldOn"] for record in found] == ["2026-01-02T02:04:00Z", "2026-01-02T03:04:00Z"]
    assert found[0] == {"SaleId": 7, "MemberId": None, "SoldOn": "2026-01-02T02:04:00Z", "Amount": 2.5}
    for key in ("8", "07", "x" * 101):
        with pytest.raises(errors.RecordNotFound):
            await service.flows.query.read_record(INSTANCE, RecordAddress(table="Shop_sales", key=key), asking.parsed())


async def test_what_is_posted_in_the_format_of_a_table_is_not_among_its_records(
    sqlite_service: Service, tmp_path: Path
) -> None:
    await sqlite_service.refresh(environment(tmp_path, [sale(1)]))
    record = {"SaleId": 2, "MemberId": "m-1", "SoldOn": "2026-01-02T03:04:00Z"}
    await sqlite_service.flows.ingest.ingest_activity(INSTANCE, "Shop_sales", record, asking.write())

    assert await read_ids(sqlite_service, "Shop_sales") == [1]


async def test_a_table_without_a_file_says_so(sqlite_service: Service, tmp_path: Path) -> None:
    """S32."""
    await sqlite_service.refresh(environment(tmp_path, []))

    with pytest.raises(errors.NotSupported, match="names no file of its records"):
        await asking.page(sqlite_service, "Web_visits")
    with pytest.raises(errors.NotSupported, match="names no file of its records"):
        await sqlite_service.flows.inventory.measure_table(INSTANCE, "Web_visits")


async def test_a_file_that_is_no_longer_named_takes_its_records_along(sqlite_service: Service, tmp_path: Path) -> None:
    await sqlite_service.refresh(environment(tmp_path, [sale(1)], MEMBERS + "m-1,Bo\n"))

    unnamed = ENVIRONMENT.replace("    file: sales.jsonl\n", "")
    report = await sqlite_service.refresh(environment(tmp_path, [sale(1)], MEMBERS + "m-1,Bo\n", unnamed))

    assert report.closed["source_record"] == 1
    assert await read_ids(sqlite_service, "Club_members") == ["m-1"]


@pytest.mark.parametrize(
    ("sales", "members", "said"),
    [
        ([sale(1), sale(2, Amount="much")], MEMBERS, "sales.jsonl, line 2: column Amount got the string 'much'"),
        ([sale(1), sale(2), sale(1)], MEMBERS, "sales.jsonl, line 3: the key '1' is there already, in line 1"),
        ([{"Amount": 1}], MEMBERS, "sales.jsonl, line 1: column SaleId is empty"),
        ([], MEMBERS + f"{'m' * 101},Bo\n", "members.csv, line 2: column MemberId got the string"),
        ([], "MemberId\n", "members.csv, line 1: the header lacks Name"),
    ],
)
async def test_a_faulty_record_of_a_source_refuses_the_refresh(
    sqlite_service: Service, tmp_path: Path, sales: Rows, members: str, said: str
) -> None:
    with pytest.raises(errors.SourceInvalid) as raised:
        await sqlite_service.refresh(environment(tmp_path, sales, members))

    assert said in raised.value.message
    assert (await asking.page(sqlite_service, "PoS_posPurchases", top="1")).records  # the sample's, as before


async def test_rows_of_enrichments_and_predictions_are_read_as_they_came_without_those_of_nobody(
    service: Service, tmp_path: Path
) -> None:
    """An alias leads to a profile (S18)."""
    outputs = """
enrichments:
  Interests: {file: interests.jsonl, provider: Contoso, primary_key: Id, columns: {Id: integer, CustomerId: string}}
predictions:
  Churn: {file: churn.csv, model: Sooth, primary_key: Id, columns: {Id: string, CustomerId: string, Score: decimal}}
"""
    text = ENVIRONMENT.replace("CustomerId: string, Club", "CustomerId: string, PreviousCustomerId: string, Club")
    file = environment(tmp_path, [], text=text + outputs)
    (tmp_path / "customers.jsonl").write_text('{"CustomerId": "a", "PreviousCustomerId": "old"}\n')
    interests = [{"Id": number, "CustomerId": id_} for number, id_ in enumerate(["a", "nobody", "old", None])]
    (tmp_path / "interests.jsonl").write_text("".join(json.dumps(row) + "\n" for row in interests))
    (tmp_path / "churn.csv").write_text("Id,CustomerId,Score\nx,nobody,0.5\ny,a,0.25\n")

    report = await service.refresh(file)

    assert (await asking.page(service, "Interests")).records == [interests[0], interests[2]]
    assert (await asking.page(service, "Churn")).records == [{"Id": "y", "CustomerId": "a", "Score": 0.25}]
    assert report.without_customer == {"Interests": 2, "Churn": 1}
