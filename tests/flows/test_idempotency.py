"""Writes under an idempotency key, on both databases: each happens once."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import INSTANCE, NOW, Service, open_service
from tests.flows import asking
from topcoat.core import errors
from topcoat.core.idempotency import RequestKey, request_key
from topcoat.flows.ingest import Write
from topcoat.store.pruning import prune_lapsed

SOON = timedelta(minutes=10)
NOTE = {"ActivityTime": "2026-11-24T11:00:00Z", "ActivityType": "Note", "Title": "1.50", "Description": "é"}


def key_of(body: bytes = b"{}", principal: str = "us") -> RequestKey:
    return request_key(principal=principal, key="k", request=(body,))


def keyed(key: RequestKey, valid_for: timedelta | None = None) -> Write:
    valid_until = None if valid_for is None else (NOW + valid_for).isoformat()
    return Write(valid_until=valid_until, caller=None, principal="us", key=key)


async def count(service: Service, table: str) -> int:
    async with service.store.glancing() as connection:
        row = await connection.fetch_one(text(f"SELECT count(*) FROM {table}"))
    assert row is not None
    return int(row[0])


async def test_of_twenty_writes_at_once_with_one_key_one_happens_and_all_are_answered_alike(
    service: Service, abbie: str
) -> None:
    """By two workers."""
    async with open_service(str(service.store.url.render_as_string(hide_password=False))) as other:
        answers = await asyncio.gather(
            *(
                worker.flows.ingest.ingest_activity(
                    INSTANCE, "UnifiedActivity", NOTE | {"CustomerId": abbie}, keyed(key_of())
                )
                for worker in [service, other] * 10
            )
        )

    assert len({answer.activity_id for answer in answers}) == 1
    assert all(answer.record == answers[0].record for answer in answers)
    assert [answer.is_replayed for answer in answers].count(False) == 1
    assert await count(service, "realtime_activity") == 1


async def test_another_request_with_the_key_is_refused_and_changes_nothing(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"City": "Paris"}, keyed(key_of(b"Paris")))

    with pytest.raises(errors.IdempotencyKeyReused):
        await asking.override(service, abbie, {"City": "Rome"}, keyed(key_of(b"Rome")))

    assert (await asking.read(service, abbie))["City"] == "Paris"


async def test_of_different_requests_at_once_with_one_key_one_happens(service: Service, abbie: str) -> None:
    outcomes = await asyncio.gather(
        *(
            asking.override(service, abbie, {"City": city}, keyed(key_of(city.encode())))
            for city in ("Paris", "Rome", "Oslo")
        ),
        return_exceptions=True,
    )

    assert sorted(str(type(outcome).__name__) for outcome in outcomes) == [
        "IdempotencyKeyReused",
        "IdempotencyKeyReused",
        "NoneType",
    ]
    assert await count(service, "override") == 1


async def test_a_key_lapses_with_its_write_and_may_then_stand_for_another_request(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"City": "Paris"}, keyed(key_of(b"Paris"), SOON))
    await service.advance(SOON - timedelta(microseconds=1))
    with pytest.raises(errors.IdempotencyKeyReused):
        await asking.override(service, abbie, {"City": "Rome"}, keyed(key_of(b"Rome")))

    await service.advance(timedelta(microseconds=1))
    await asking.override(service, abbie, {"City": "Rome"}, keyed(key_of(b"Rome")))

    assert (await asking.read(service, abbie))["City"] == "Rome"
    assert await count(service, "idempotency_key") == 1


async def test_keys_are_pruned_once_their_writes_lapsed(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"City": "Paris"}, keyed(key_of(b"Paris"), SOON))
    await asking.override(service, abbie, {"City": "Rome"}, keyed(key_of(b"Rome", "them")))

    await prune_lapsed(service.store, NOW + SOON)

    assert await count(service, "idempotency_key") == 1


async def test_a_refused_write_leaves_its_key_free(service: Service, abbie: str) -> None:
    with pytest.raises(errors.RecordNotFound):
        await asking.override(service, "nobody", {"City": "Paris"}, keyed(key_of(b"nobody")))

    await asking.override(service, abbie, {"City": "Rome"}, keyed(key_of(b"Rome")))

    assert await count(service, "idempotency_key") == 1


async def test_a_key_of_another_principal_or_instance_is_another_key(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"City": "Paris"}, keyed(key_of(b"Paris")))

    await asking.override(service, abbie, {"City": "Rome"}, keyed(key_of(b"Rome", "them")))
    with pytest.raises(errors.InstanceNotFound):
        await service.flows.ingest.override_profile("elsewhere", "Customer", abbie, {}, keyed(key_of(b"Paris")))

    assert await count(service, "override") == 2


async def test_a_record_that_waited_is_answered_as_waiting_even_after_it_was_attached(
    sqlite_url: str, sample_folder: Path
) -> None:
    purchase = {"PurchaseId": "P-1", "LoyaltyID": "nobody yet", "PurchasedOn": "2026-11-24T11:30:00Z"}

    async with open_service(sqlite_url) as service:
        ingest = service.flows.ingest.ingest_activity
        first = await ingest(INSTANCE, "PoS_posPurchases", purchase, keyed(key_of()))
        async with service.store.writing() as connection:
            await connection.run(
                text(
                    "INSERT INTO key_ring SELECT instance_id, source_table, 'nobody yet', customer_id, generation_from,"
                    " generation_to FROM key_ring WHERE source_table = 'LoyaltyScheme_loyCustomers' LIMIT 1"
                )
            )
        await service.refresh(sample_folder / "contoso.yaml")
        again = await ingest(INSTANCE, "PoS_posPurchases", purchase, keyed(key_of()))

    assert first.is_waiting
    assert not first.is_replayed
    assert (again.is_waiting, again.record, again.is_replayed) == (True, first.record, True)
