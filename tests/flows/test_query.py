"""Merged reads, on both databases (S8, S16-S18, S20, S23-S25, S32, S33)."""

from datetime import timedelta

import pytest

from tests.conftest import INSTANCE, SAMPLE_SIZE, Service
from tests.flows import asking
from topcoat.core import errors
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import parse_options
from topcoat.flows.query import plan


async def test_a_table_lists_every_profile_once_in_the_order_of_ids(service: Service) -> None:
    records = (await asking.page(service, "Customer")).records

    ids = [record["CustomerId"] for record in records]
    assert len(ids) == SAMPLE_SIZE
    assert ids == sorted(set(ids))


async def test_every_column_is_in_every_record_in_catalog_order(service: Service) -> None:
    """S8."""
    catalog = await service.flows.instances.get_catalog(INSTANCE)
    columns = [column.name for column in catalog.get_table("Customer").columns]

    for record in (await asking.page(service, "Customer")).records:
        assert list(record) == columns


async def test_lists_show_merged_records(service: Service, abbie: str) -> None:
    """S24."""
    await asking.override(service, abbie, {"City": "Paris"})

    records = (await asking.page(service, "Customer")).records

    assert {r["CustomerId"]: r["City"] for r in records}[abbie] == "Paris"


async def test_joined_pages_are_the_unpaged_answer(service: Service) -> None:
    """S25."""
    whole = (await asking.page(service, "Customer")).records

    first = await asking.page(service, "Customer", top="7")

    assert first.records == whole[:7]
    assert first.next_token is None
    activities = (await asking.page(service, "UnifiedActivity", top="1000")).records
    assert activities == sorted(activities, key=lambda a: (a["ActivityTime"], a["ActivityId"]), reverse=True)
    assert await asking.all_pages(service, "UnifiedActivity") == activities


async def test_a_token_pins_what_the_first_page_saw_whatever_is_written_or_lapses(service: Service, abbie: str) -> None:
    """S25."""
    for number in range(150):
        await asking.post(service, abbie, f"a-{number:03}", asking.write(timedelta(minutes=5)))
    first = await asking.page(service, "UnifiedActivity", filter=f"CustomerId eq '{abbie}'")
    assert first.next_token is not None

    await asking.post(service, abbie, "a-0000", ActivityTime="2020-01-01T00:00:00Z")
    await service.advance(timedelta(minutes=5))
    second = await asking.page(
        service, "UnifiedActivity", filter=f"CustomerId eq '{abbie}'", skiptoken=first.next_token
    )

    ids = [a["ActivityId"] for a in first.records + second.records if a["ActivityId"].startswith("a-")]
    assert sorted(ids) == [f"a-{number:03}" for number in range(150)]


async def test_skip_and_top_cut_a_page_out(service: Service) -> None:
    whole = (await asking.page(service, "Customer")).records

    assert (await asking.page(service, "Customer", skip="3", top="4")).records == whole[3:7]
    assert (await asking.page(service, "Customer", top="0")).records == []
    assert (await asking.page(service, "Customer", skip="1000")).records == []


async def test_a_page_holds_a_hundred_records_unless_top_asks_for_more(service: Service, abbie: str) -> None:
    for number in range(120):
        await asking.post(service, abbie, f"a-{number:03}")

    assert len((await asking.page(service, "UnifiedActivity")).records) == 100
    assert len((await asking.page(service, "UnifiedActivity", top="115")).records) == 115


async def test_an_order_by_what_is_computed_goes_on_from_page_to_page(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S24, S25: the longest names of towns first, changed ones included; what is the same by the id."""
    monkeypatch.setattr(plan, "PAGE_DEFAULT", 7)
    everyone = (await asking.page(service, "Customer")).records
    await asking.override(service, everyone[3]["CustomerId"], {"City": "Llanfairpwllgwyngyll"})
    expected = sorted(
        (await asking.page(service, "Customer", filter="City ne 'Seattle'", top="1000")).records,
        key=lambda record: (len(record["City"] or ""), record["CustomerId"]),
        reverse=True,
    )

    asked = {"filter": "City ne 'Seattle'", "orderby": "length(City) desc", "select": "CustomerId"}
    first = await asking.page(service, "Customer", **asked, top="3", skip="1", count="true")
    every = await asking.all_pages(service, "Customer", **asked)

    ids = [record["CustomerId"] for record in expected]
    assert [record["CustomerId"] for record in every] == ids
    assert [record["CustomerId"] for record in first.records] == ids[1:4]
    assert (ids[0], first.count) == (everyone[3]["CustomerId"], len(ids))


@pytest.mark.parametrize("token", ["", "x", "AAAA", "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ", "é", "!!"])
async def test_a_forged_token_is_refused(service: Service, token: str) -> None:
    """S25."""
    with pytest.raises(errors.ContinuationInvalid):
        await asking.page(service, "Customer", skiptoken=token)


async def test_a_token_belongs_to_its_question(service: Service, abbie: str) -> None:
    """S25."""
    for number in range(101):
        await asking.post(service, abbie, f"a-{number:03}")
    first = await asking.page(service, "UnifiedActivity", filter=f"CustomerId eq '{abbie}'")
    assert first.next_token is not None

    with pytest.raises(errors.ContinuationInvalid):
        await asking.page(service, "UnifiedActivity", skiptoken=first.next_token)


async def test_filters_on_time_and_type_hold_together(service: Service, abbie: str) -> None:
    await asking.post(service, abbie, "a-1", ActivityTime="2026-11-01T00:00:00Z", ActivityTypeDisplay="Call")
    await asking.post(service, abbie, "a-2", ActivityTime="2026-11-02T00:00:00Z", ActivityTypeDisplay="Call")
    await asking.post(service, abbie, "a-3", ActivityTime="2026-11-02T00:00:00Z", ActivityType="Other")

    async def ids(condition: str) -> list[str]:
        both = f"ActivityTime gt 2026-10-31T23:59:59Z and {condition}"
        found = await asking.page(service, "UnifiedActivity", filter=both)
        return [record["ActivityId"] for record in found.records]

    assert await ids("ActivityTime lt 2026-11-02T00:00:00.000Z") == ["a-1"]
    assert await ids("ActivityTime le 2026-11-02T00:00:00Z") == ["a-3", "a-2", "a-1"]
    assert await ids("ActivityTime ne 2026-11-02T01:00:00+01:00") == ["a-1"]
    assert await ids("ActivityType eq 'Note'") == ["a-2", "a-1"]
    assert await ids("ActivityTypeDisplay eq 'Call' and ActivityTime ge 2026-11-02T00:00:00Z") == ["a-2"]
    assert await ids("ActivityId in ('a-1','a-3')") == ["a-3", "a-1"]


async def test_orderby_turns_the_timeline_round(service: Service, abbie: str) -> None:
    newest_first = await asking.timeline(service, abbie)

    assert await asking.timeline(service, abbie, orderby="ActivityTime asc") == newest_first[::-1]
    assert await asking.timeline(service, abbie, orderby="ActivityTime desc") == newest_first


async def test_profiles_are_found_by_id_in_any_number(service: Service, abbie: str) -> None:
    other = next(r["CustomerId"] for r in (await asking.page(service, "Customer")).records if r["CustomerId"] != abbie)

    found = await asking.page(service, "Customer", filter=f"customerid in ('{abbie}','{other}','nobody','{abbie}')")

    assert [record["CustomerId"] for record in found.records] == sorted([abbie, other])
    assert (await asking.page(service, "Customer", filter="CustomerId eq 'nobody'")).records == []


async def test_an_expanded_profile_carries_its_timeline(service: Service, abbie: str) -> None:
    await asking.post(service, abbie, "a-1")

    (record,) = (
        await asking.page(service, "Customer", filter=f"CustomerId eq '{abbie}'", expand="UnifiedActivity")
    ).records

    assert record["UnifiedActivity"] == await asking.timeline(service, abbie)
    assert record["UnifiedActivity"][0]["ActivityId"] == "a-1"


async def test_select_keeps_the_columns_asked_for(service: Service, abbie: str) -> None:
    (record,) = (
        await asking.page(service, "Customer", filter=f"CustomerId eq '{abbie}'", select="fullname,CustomerId")
    ).records

    assert record == {"FullName": "Abbie Moss", "CustomerId": abbie}


async def test_the_timeline_of_an_address_is_the_timeline_of_the_filter(service: Service, abbie: str) -> None:
    address = RecordAddress(table="Customer", key=abbie, navigation="UnifiedActivity", is_count=False)

    found = await service.flows.query.read_records(INSTANCE, address, parse_options([]))

    assert found.records == await asking.timeline(service, abbie)


async def test_an_activity_is_read_by_its_id(service: Service, abbie: str) -> None:
    posted = await asking.post(service, abbie, "a-1")
    address = RecordAddress(table="UnifiedActivity", key="a-1", navigation=None, is_count=False)

    assert await service.flows.query.read_record(INSTANCE, address, parse_options([])) == posted.record


async def test_what_is_not_built_is_refused_by_name(service: Service) -> None:
    """S32."""
    with pytest.raises(errors.NotSupported, match=r"tolower\(Title\)"):
        await asking.page(service, "UnifiedActivity", orderby="tolower(Title)")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"filter": "Nope eq 'x'"}, errors.UnknownColumn),
        ({"select": "Nope"}, errors.UnknownColumn),
        ({"orderby": "Nope"}, errors.UnknownColumn),
        ({"filter": "ActivityTime gt 'yesterday'"}, errors.QuerySyntaxError),
        ({"filter": "ActivityTime gt"}, errors.QuerySyntaxError),
        ({"expand": "UnifiedActivity"}, errors.OptionInvalid),
        ({"top": "-1"}, errors.QuerySyntaxError),
        ({"skip": "many"}, errors.QuerySyntaxError),
    ],
)
async def test_a_faulty_option_is_refused(
    service: Service, options: dict[str, str], error: type[errors.TopcoatError]
) -> None:
    with pytest.raises(error):
        await asking.page(service, "UnifiedActivity", **options)


@pytest.mark.parametrize("other", [{"search": "abbie"}, {"select": "CustomerId"}])
async def test_expand_stands_alone_as_documented(service: Service, other: dict[str, str]) -> None:
    """S32."""
    with pytest.raises(errors.OptionInvalid, match="cannot be combined"):
        await asking.page(service, "Customer", expand="UnifiedActivity", **other)


async def test_an_unknown_table_suggests_the_right_one(service: Service) -> None:
    with pytest.raises(errors.TableNotFound, match="did you mean 'Customer'"):
        await asking.page(service, "customer")


async def test_an_unknown_instance_is_not_found(service: Service, abbie: str) -> None:
    """S33."""
    address = RecordAddress(table="Customer", key=abbie, navigation=None, is_count=False)

    with pytest.raises(errors.InstanceNotFound):
        await service.flows.query.read_record("nope", address, parse_options([]))
