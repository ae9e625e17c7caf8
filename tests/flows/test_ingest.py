"""Real-time writes, on both databases (S3, S5-S16, S23)."""

from datetime import timedelta

import pytest

from tests.conftest import INSTANCE, Service
from tests.flows import asking
from topcoat.core import errors

SOON = timedelta(minutes=10)


async def test_a_change_shows_until_it_lapses_and_then_the_snapshot_shows_again(service: Service, abbie: str) -> None:
    """S2, S7."""
    before = await asking.read(service, abbie)

    await asking.override(service, abbie, {"City": "Paris"})

    assert (await asking.read(service, abbie)) == before | {"City": "Paris"}
    await service.advance(timedelta(hours=4, microseconds=-1))
    assert (await asking.read(service, abbie))["City"] == "Paris"
    await service.advance(timedelta(microseconds=1))
    assert (await asking.read(service, abbie)) == before


async def test_an_earlier_change_shows_again_when_a_later_shorter_one_lapses(service: Service, abbie: str) -> None:
    """S7."""
    await asking.override(service, abbie, {"City": "Paris"})
    await asking.override(service, abbie, {"City": "Rome"}, asking.write(SOON))

    assert (await asking.read(service, abbie))["City"] == "Rome"
    await service.advance(SOON)
    assert (await asking.read(service, abbie))["City"] == "Paris"


async def test_an_explicit_null_hides_the_value_of_the_snapshot(service: Service, abbie: str) -> None:
    """S7."""
    await asking.override(service, abbie, {"City": None})

    assert (await asking.read(service, abbie))["City"] is None


async def test_changes_of_different_columns_show_together(service: Service, abbie: str) -> None:
    """S8."""
    await asking.override(service, abbie, {"City": "Paris"})
    await asking.override(service, abbie, {"RewardsPoints": 7})

    record = await asking.read(service, abbie)

    assert (record["City"], record["RewardsPoints"]) == ("Paris", 7)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({}, errors.EmptyChange),
        ({"CustomerId": "x"}, errors.ReadOnlyColumn),
        ({"PreviousCustomerId": "x"}, errors.ReadOnlyColumn),
        ({"LoyaltyScheme_loyCustomers_LoyaltyID": "x"}, errors.ReadOnlyColumn),
        ({"city": "Paris"}, errors.UnknownColumn),
        ({"City": "Paris", "RewardsPoints": "many"}, errors.WrongType),
        ({"City": "Paris", "RewardsPoints": 2.5}, errors.WrongType),
        ({"City": "Paris\0"}, errors.WrongType),
    ],
)
async def test_one_bad_column_refuses_the_whole_change(
    service: Service, abbie: str, values: dict[str, object], error: type[errors.TopcoatError]
) -> None:
    """S5."""
    before = await asking.read(service, abbie)

    with pytest.raises(error):
        await asking.override(service, abbie, values)

    assert await asking.read(service, abbie) == before


@pytest.mark.parametrize("customer_id", ["nobody", "o'brien", "a/b", "😀", "x" * 1000, "a\nb", ""])
async def test_a_change_never_creates_a_profile(service: Service, customer_id: str) -> None:
    """S5."""
    with pytest.raises(errors.RecordNotFound):
        await asking.override(service, customer_id, {"City": "Paris"})

    with pytest.raises(errors.RecordNotFound):
        await asking.read(service, customer_id)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(days=30, seconds=1)])
async def test_a_lifetime_that_is_over_or_above_thirty_days_is_refused(
    service: Service, abbie: str, lifetime: timedelta
) -> None:
    """S3."""
    with pytest.raises(errors.ValidUntilOutOfRange):
        await asking.override(service, abbie, {"City": "Paris"}, asking.write(lifetime))
    with pytest.raises(errors.ValidUntilOutOfRange):
        await asking.post(service, abbie, "a-1", asking.write(lifetime))

    assert (await asking.read(service, abbie))["City"] == "Seattle"
    assert "a-1" not in [a["ActivityId"] for a in await asking.timeline(service, abbie)]


async def test_a_lifetime_of_exactly_thirty_days_is_taken(service: Service, abbie: str) -> None:
    """S3."""
    await asking.override(service, abbie, {"City": "Paris"}, asking.write(timedelta(days=30)))

    await service.advance(timedelta(days=30, microseconds=-1))
    assert (await asking.read(service, abbie))["City"] == "Paris"


async def test_a_withdrawn_change_no_longer_counts_and_cannot_be_withdrawn_again(service: Service, abbie: str) -> None:
    """S9."""
    await asking.override(service, abbie, {"City": "Paris"})
    await asking.override(service, abbie, {"City": "Rome"})
    changes = await asking.live_changes(service, abbie)

    await service.flows.ingest.withdraw_change(INSTANCE, changes[1].sequence, asking.write())

    assert (await asking.read(service, abbie))["City"] == "Paris"
    assert await asking.live_changes(service, abbie) == changes[:1]
    with pytest.raises(errors.ChangeNotFound):
        await service.flows.ingest.withdraw_change(INSTANCE, changes[1].sequence, asking.write())


async def test_a_lapsed_change_cannot_be_withdrawn(service: Service, abbie: str) -> None:
    """S9."""
    await asking.override(service, abbie, {"City": "Paris"})
    (change,) = await asking.live_changes(service, abbie)
    await service.advance(timedelta(hours=4))

    with pytest.raises(errors.ChangeNotFound):
        await service.flows.ingest.withdraw_change(INSTANCE, change.sequence, asking.write())


async def test_a_change_keeps_its_caller_and_gets_a_sequence_and_its_default_lifetime(
    service: Service, abbie: str
) -> None:
    """S6."""
    await asking.override(service, abbie, {"City": "Paris"}, asking.write(caller="crm"))

    (change,) = await asking.live_changes(service, abbie)

    assert (change.caller, change.principal, change.columns) == ("crm", "tests", {"City": "Paris"})
    assert change.valid_until - change.recorded_at == timedelta(hours=4)


async def test_a_posted_activity_is_the_newest_of_the_timeline_and_lapses_after_thirty_days(
    service: Service, abbie: str
) -> None:
    """S11, S17."""
    before = await asking.timeline(service, abbie)

    posted = await asking.post(service, abbie, "a-1", Title="Called")

    assert await asking.timeline(service, abbie) == [posted.record, *before]
    assert posted.record["CustomerId"] == abbie
    await service.advance(timedelta(days=30))
    assert await asking.timeline(service, abbie) == before


@pytest.mark.parametrize("missing", ["CustomerId", "ActivityTime", "ActivityType"])
async def test_an_activity_needs_its_mandatory_columns(service: Service, abbie: str, missing: str) -> None:
    """S11."""
    with pytest.raises(errors.MissingColumn) as raised:
        await asking.post(service, abbie, "a-1", **{missing: None})

    assert raised.value.target == missing


async def test_an_activity_without_an_id_gets_one_that_sorts_by_time(service: Service, abbie: str) -> None:
    """S12."""
    first = await asking.post(service, abbie)
    second = await asking.post(service, abbie)

    assert first.activity_id[14] == second.activity_id[14] == "7"
    assert first.activity_id != second.activity_id


async def test_an_id_is_taken_while_its_activity_is_live_and_free_after_its_lapse(service: Service, abbie: str) -> None:
    """S13."""
    await asking.post(service, abbie, "a-1", asking.write(SOON), Title="first")

    with pytest.raises(errors.ActivityExists):
        await asking.post(service, abbie, "a-1", Title="second")
    assert [a["Title"] for a in await asking.timeline(service, abbie) if a["ActivityId"] == "a-1"] == ["first"]

    await service.advance(SOON)
    await asking.post(service, abbie, "a-1", Title="third")
    assert [a["Title"] for a in await asking.timeline(service, abbie) if a["ActivityId"] == "a-1"] == ["third"]


async def test_an_id_that_the_snapshot_holds_is_taken(service: Service, abbie: str) -> None:
    """S13."""
    held = (await asking.timeline(service, abbie))[0]["ActivityId"]

    with pytest.raises(errors.ActivityExists):
        await asking.post(service, abbie, held)


async def test_an_activity_of_an_unknown_customer_is_refused(service: Service) -> None:
    """S14."""
    with pytest.raises(errors.UnknownCustomer):
        await asking.post(service, "nobody", "a-1")


async def test_a_source_record_becomes_the_activity_that_its_configuration_describes(
    service: Service, abbie: str
) -> None:
    """S11, S12."""
    loyalty_id = (await asking.read(service, abbie))["LoyaltyScheme_loyCustomers_LoyaltyID"]

    posted = await asking.post_purchase(service, "P-new", loyalty_id)

    newest = (await asking.timeline(service, abbie))[0]
    assert newest == posted.record
    assert (newest["ActivityType"], newest["EntityName"]) == ("SalesOrder", "PoS_posPurchases")
    assert (newest["ActivityName"], newest["ActualActivityId"]) == ("Pike Place", "P-new")
    with pytest.raises(errors.ActivityExists):
        await asking.post_purchase(service, "P-new", loyalty_id)


async def test_a_source_record_of_an_unknown_customer_waits_without_a_second_copy(service: Service) -> None:
    """S14."""
    first = await asking.post_purchase(service, "P-wait", "LOY_UNKNOWN")
    second = await asking.post_purchase(service, "P-wait", "LOY_UNKNOWN")

    assert (first.is_waiting, second.is_waiting) == (True, True)
    assert first.activity_id == second.activity_id
    assert (await asking.page(service, "UnifiedActivity", filter=f"ActivityId eq '{first.activity_id}'")).records == []


@pytest.mark.parametrize("table", ["Customer", "Customer_Measure"])
async def test_records_that_a_refresh_makes_are_not_posted(service: Service, table: str) -> None:
    with pytest.raises(errors.TableNotWritable):
        await service.flows.ingest.ingest_activity(INSTANCE, table, {"CustomerId": "x"}, asking.write())


@pytest.mark.parametrize("table", ["UnifiedActivity", "PoS_posPurchases", "Customer_Measure"])
async def test_only_profiles_are_changed(service: Service, table: str) -> None:
    """S13."""
    with pytest.raises(errors.TableNotWritable):
        await service.flows.ingest.override_profile(INSTANCE, table, "x", {"City": "Paris"}, asking.write())


async def test_a_table_without_activity_configuration_says_so(service: Service) -> None:
    """S11."""
    with pytest.raises(errors.ActivityNotConfigured):
        await service.flows.ingest.ingest_activity(
            INSTANCE, "eCommerce_eCommerceContacts", {"ContactId": "CNTID_1"}, asking.write()
        )


async def test_an_unknown_instance_is_not_found(service: Service, abbie: str) -> None:
    """S33."""
    unknown = "00000000-0000-4000-8000-000000000000"

    with pytest.raises(errors.InstanceNotFound):
        await service.flows.ingest.override_profile(unknown, "Customer", abbie, {"City": "Paris"}, asking.write())
    with pytest.raises(errors.InstanceNotFound):
        await service.flows.ingest.withdraw_change(unknown, 1, asking.write())
