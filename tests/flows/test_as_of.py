"""Reading as of an instant, past or future (S28), and telling where values come from (S29)."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import NOW, Service
from tests.flows import asking
from topcoat.core import errors
from topcoat.core.catalog import format_instant
from topcoat.core.odata.address import RecordAddress

CUSTOMER = "Customer"


def at(after: timedelta) -> str:
    return format_instant(NOW + after)


async def test_the_past_shows_what_was_recorded_and_live_then(service: Service, abbie: str) -> None:
    """S28."""
    await service.advance(timedelta(hours=1))
    await asking.override(service, abbie, {"City": "Paris"}, asking.write(timedelta(hours=2)))
    await service.advance(timedelta(hours=3))

    cities = [
        (await asking.read(service, abbie, asOf=at(after)))["City"]
        for after in (
            timedelta(minutes=59),
            timedelta(hours=1),
            timedelta(hours=2) - timedelta(microseconds=1),
            timedelta(hours=2),
        )
    ]

    assert cities == ["Seattle", "Paris", "Paris", "Seattle"]


async def test_the_future_leaves_out_what_will_have_lapsed(service: Service, abbie: str) -> None:
    """S28."""
    await asking.override(service, abbie, {"City": "Paris"}, asking.write(timedelta(hours=2)))
    await asking.post(service, abbie, "a-1", asking.write(timedelta(hours=1)))

    assert (await asking.read(service, abbie, asOf=at(timedelta(hours=1, minutes=59))))["City"] == "Paris"
    assert (await asking.read(service, abbie, asOf=at(timedelta(hours=2))))["City"] == "Seattle"
    found = await asking.timeline(service, abbie, asOf=at(timedelta(hours=1)))
    assert "a-1" not in [activity["ActivityId"] for activity in found]


async def test_questions_are_asked_of_the_records_of_the_instant(service: Service, abbie: str) -> None:
    """S24, S28."""
    await service.advance(timedelta(hours=1))
    await asking.override(service, abbie, {"City": "Paris"})
    in_paris = "City eq 'Paris'"

    now = await asking.page(service, CUSTOMER, filter=in_paris)
    before = await asking.page(service, CUSTOMER, filter=in_paris, asOf=at(timedelta(minutes=30)))

    assert [record["CustomerId"] for record in now.records] == [abbie]
    assert before.records == []


async def test_a_withdrawal_does_not_reach_back(service: Service, abbie: str) -> None:
    """S9, S28."""
    await asking.override(service, abbie, {"City": "Paris"})
    (change,) = await asking.live_changes(service, abbie)
    await service.advance(timedelta(minutes=10))
    await service.flows.ingest.withdraw_change(asking.INSTANCE, change.sequence, asking.write())

    assert (await asking.read(service, abbie, asOf=at(timedelta(minutes=5))))["City"] == "Paris"
    assert (await asking.read(service, abbie))["City"] == "Seattle"


async def test_an_instant_of_an_earlier_refresh_is_answered_from_it(
    service: Service, abbie: str, sample_folder: Path, tmp_path: Path
) -> None:
    """S20, S28."""
    await service.advance(timedelta(hours=1))
    await service.refresh(asking.changed_sample(sample_folder, tmp_path, {"Seattle": "Tacoma"}))

    assert (await asking.read(service, abbie))["City"] == "Tacoma"
    assert (await asking.read(service, abbie, asOf=at(timedelta(minutes=59))))["City"] == "Seattle"


async def test_an_instant_that_fell_into_an_undone_refresh_is_not_answered(
    service: Service, abbie: str, sample_folder: Path, tmp_path: Path
) -> None:
    """S21."""
    await service.advance(timedelta(hours=1))
    await service.refresh(asking.changed_sample(sample_folder, tmp_path, {"Seattle": "Tacoma"}))
    await service.advance(timedelta(hours=1))
    await service.undo()
    await service.advance(timedelta(hours=1))

    with pytest.raises(errors.InstantNotKept, match="undone"):
        await asking.read(service, abbie, asOf=at(timedelta(hours=1, minutes=30)))
    assert (await asking.read(service, abbie, asOf=at(timedelta(hours=2))))["City"] == "Seattle"


@pytest.mark.parametrize(
    ("before", "reason"), [(timedelta(hours=1), "before the first refresh"), (timedelta(days=8), "nothing is kept")]
)
async def test_an_instant_before_all_that_is_kept_is_not_answered(
    service: Service, abbie: str, before: timedelta, reason: str
) -> None:
    """S28."""
    with pytest.raises(errors.InstantNotKept, match=reason):
        await asking.read(service, abbie, asOf=at(-before))


async def test_an_unreadable_instant_is_refused(service: Service, abbie: str) -> None:
    with pytest.raises(errors.ParameterInvalid, match="yesterday"):
        await asking.read(service, abbie, asOf="yesterday")


async def test_an_explained_value_says_who_brought_it_and_what_it_hides(service: Service, abbie: str) -> None:
    """S29."""
    await asking.override(service, abbie, {"City": "Rome"}, asking.write(timedelta(hours=3), caller="till"))
    await asking.override(service, abbie, {"City": "Paris"}, asking.write(timedelta(hours=2), caller="web"))

    explained = (await asking.read(service, abbie, explain="true"))["@topcoat.explain"]

    city = explained["City"]
    assert (city["source"], city["caller"], city["principal"]) == ("change", "web", "tests")
    assert (city["recordedAt"], city["validUntil"]) == (at(timedelta(0)), at(timedelta(hours=2)))
    below = [(hidden["source"], hidden.get("caller"), hidden["value"]) for hidden in city["hides"]]
    assert below == [("change", "till", "Rome"), ("snapshot", None, "Seattle")]
    assert explained["FullName"] == {"source": "snapshot", "generation": 1, "hides": []}


async def test_an_explained_activity_says_where_it_comes_from(service: Service, abbie: str) -> None:
    """S29."""
    await asking.post(service, abbie, "a-1", asking.write(timedelta(hours=2), caller="till"))

    found = await asking.timeline(service, abbie, explain="true")

    explained = {activity["ActivityId"]: activity["@topcoat.explain"] for activity in found}
    assert explained.pop("a-1") | {"sequence": 0} == {
        "source": "activity",
        "sequence": 0,
        "caller": "till",
        "principal": "tests",
        "recordedAt": at(timedelta(0)),
        "validUntil": at(timedelta(hours=2)),
    }
    assert {explanation["source"] for explanation in explained.values()} == {"snapshot"}


async def test_an_explanation_covers_the_columns_that_are_shown(service: Service, abbie: str) -> None:
    record = await asking.read(service, abbie, explain="true", select="City")

    assert list(record) == ["City", "@topcoat.explain"]
    assert list(record["@topcoat.explain"]) == ["City"]


async def test_a_page_of_the_past_goes_on_in_the_past(service: Service, abbie: str) -> None:
    """S25, S28."""
    for number in range(120):
        await asking.post(service, abbie, f"a-{number:03}", asking.write(timedelta(hours=1)))
    await service.advance(timedelta(hours=2))
    await asking.post(service, abbie, "late")

    found = await asking.all_pages(
        service, "UnifiedActivity", filter=f"CustomerId eq '{abbie}'", asOf=at(timedelta(minutes=30))
    )

    ids = [activity["ActivityId"] for activity in found]
    assert len([activity_id for activity_id in ids if activity_id.startswith("a-")]) == 120
    assert "late" not in ids


async def test_records_are_counted_as_they_are_read(service: Service, abbie: str) -> None:
    """S24."""
    await asking.override(service, abbie, {"City": "Paris"})

    async def count(table: str, **options: str) -> int:
        address = RecordAddress(table=table, is_count=True)
        return await service.flows.query.count_records(asking.INSTANCE, address, asking.parsed(**options))

    for table, options in (
        (CUSTOMER, {}),
        (CUSTOMER, {"filter": "City eq 'Paris'"}),
        (CUSTOMER, {"filter": "tolower(City) eq 'paris'"}),
        (CUSTOMER, {"filter": f"CustomerId eq '{abbie}'"}),
        ("UnifiedActivity", {"filter": "ActivityType eq 'SalesOrder'"}),
        ("UnifiedActivity", {"filter": "year(ActivityTime) eq 2026"}),
        ("Customer_Measure", {"filter": "PurchaseCount gt 1"}),
    ):
        records = await asking.all_pages(service, table, **options)
        assert await count(table, **options) == len(records), options
        assert (await asking.page(service, table, top="0", count="true", **options)).count == len(records), options


async def test_expanded_measures_are_one_object(service: Service, abbie: str) -> None:
    (record,) = (
        await asking.page(
            service, CUSTOMER, filter=f"CustomerId eq '{abbie}'", expand="Customer_Measure,UnifiedActivity($top=2)"
        )
    ).records

    assert record["Customer_Measure"]["CustomerId"] == abbie
    assert record["Customer_Measure"]["LifetimeSpend"] == record["TotalSpend"]
    assert record["UnifiedActivity"] == (await asking.timeline(service, abbie))[:2]


async def test_options_inside_expand_are_about_the_expanded_records(service: Service, abbie: str) -> None:
    inner = "UnifiedActivity($filter=ActivityType eq 'SalesOrder';$orderby=ActivityTime;$select=ActivityId;$count=true)"

    (record,) = (await asking.page(service, CUSTOMER, filter=f"CustomerId eq '{abbie}'", expand=inner)).records

    orders = await asking.timeline(service, abbie, orderby="ActivityTime")
    ids = [{"ActivityId": a["ActivityId"]} for a in orders if a["ActivityType"] == "SalesOrder"]
    assert record["UnifiedActivity"] == ids
    assert record["UnifiedActivity@odata.count"] == len(ids)


async def test_an_alternate_key_finds_its_customer(service: Service, abbie: str) -> None:
    column = "eCommerce_eCommerceContacts_ContactId"
    address = RecordAddress(table=CUSTOMER, key="CNTID_1001", key_column=column)

    found = await asking.page(service, CUSTOMER, filter=f"{column} in ('CNTID_1001', 'CNTID_0')")
    record = await service.flows.query.read_record(asking.INSTANCE, address, asking.parsed())

    assert [profile["CustomerId"] for profile in found.records] == [abbie]
    assert record["CustomerId"] == abbie
