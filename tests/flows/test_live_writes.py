"""What is live in an instance comes in the order in which it lapses, without what no longer counts."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import INSTANCE, Service
from tests.flows import asking
from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER, Document
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.flows.ingest import Write
from topcoat.flows.live_writes import LiveWrite

HOUR = timedelta(hours=1)
PLAIN = Write(valid_until=None, caller=None, principal="tests")


async def list_live(service: Service, customer_id: str | None = None) -> list[LiveWrite]:
    page = await service.flows.live_writes.list_page(INSTANCE, customer_id=customer_id, top=100)
    return page.writes


async def other_customer(service: Service, customer_id: str) -> str:
    page = await service.flows.query.read_records(INSTANCE, RecordAddress(CUSTOMER), QueryOptions(top=2))
    return next(str(r["CustomerId"]) for r in page.records if r["CustomerId"] != customer_id)


def named(writes: list[LiveWrite]) -> list[Document | str]:
    return [write.activity_id or write.columns for write in writes]


async def test_what_lapses_first_comes_first_with_its_merged_profile(service: Service, abbie: str) -> None:
    other = await other_customer(service, abbie)
    await asking.override(service, abbie, {"City": "Paris"}, asking.write(3 * HOUR, "Till 7"))
    await asking.post(service, other, "A-1", asking.write(2 * HOUR))
    await asking.override(service, other, {"City": "Rome"}, asking.write(HOUR))
    first, second, third = await list_live(service)

    assert named([first, second, third]) == [{"City": "Rome"}, "A-1", {"City": "Paris"}]
    assert (first.customer_id, second.customer_id, second.activity_type) == (other, other, "Note")
    assert (third.caller, third.principal, third.record and third.record["City"]) == ("Till 7", "tests", "Paris")


async def test_what_has_lapsed_or_was_withdrawn_does_not_come(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"City": "Rome"}, asking.write(HOUR))
    await asking.override(service, abbie, {"City": "Paris"}, asking.write(3 * HOUR))
    await asking.override(service, abbie, {"Country": "France"}, asking.write(3 * HOUR))
    (_, paris, _) = await list_live(service)
    await service.flows.ingest.withdraw_change(INSTANCE, paris.sequence, PLAIN)
    await service.advance(HOUR)

    assert named(await list_live(service)) == [{"Country": "France"}]


async def test_what_a_refresh_confirmed_does_not_come(
    sqlite_service: Service, sample_folder: Path, tmp_path: Path, abbie: str
) -> None:
    await asking.override(sqlite_service, abbie, {"FirstName": "Abigail", "City": "Paris"})
    await sqlite_service.refresh(asking.changed_sample(sample_folder, tmp_path, {"Abbie,Moss": "Abigail,Moss"}))

    assert named(await list_live(sqlite_service)) == [{"City": "Paris"}]


async def test_pages_join_without_gap_or_repeat_whatever_is_written_meanwhile(service: Service, abbie: str) -> None:
    for n in range(5):
        await asking.override(service, abbie, {"City": f"City {n}"}, asking.write(HOUR))
        await asking.post(service, abbie, f"A-{n}", asking.write(HOUR + n * timedelta(minutes=1)))
    whole = named(await list_live(service))
    joined: list[Document | str] = []
    token = None
    while True:
        page = await service.flows.live_writes.list_page(INSTANCE, skiptoken=token, top=3)
        joined += named(page.writes)
        token = page.next_token
        if token is None:
            break
        await asking.override(service, abbie, {"Country": "France"}, asking.write(2 * HOUR))

    assert len(whole) == 10
    assert joined == whole


async def test_the_writes_of_one_customer_come_alone(service: Service, abbie: str) -> None:
    other = await other_customer(service, abbie)
    await asking.override(service, abbie, {"City": "Paris"})
    await asking.override(service, other, {"City": "Rome"})

    assert named(await list_live(service, abbie)) == [{"City": "Paris"}]
    assert await list_live(service, "nobody") == []


async def test_a_token_of_another_question_is_refused(sqlite_service: Service, abbie: str) -> None:
    for n in range(2):
        await asking.override(sqlite_service, abbie, {"City": f"City {n}"})
    page = await sqlite_service.flows.live_writes.list_page(INSTANCE, top=1)

    with pytest.raises(errors.ContinuationInvalid):
        await sqlite_service.flows.live_writes.list_page(INSTANCE, customer_id=abbie, skiptoken=page.next_token, top=1)


async def test_of_an_instance_that_is_not_there_nothing_is_listed(sqlite_service: Service) -> None:
    with pytest.raises(errors.InstanceNotFound):
        await sqlite_service.flows.live_writes.list_page("nowhere", top=1)
