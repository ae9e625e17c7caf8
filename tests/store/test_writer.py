"""Group commit, on both databases (S6, S30, S31)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import exc, text

from tests.conftest import INSTANCE, NOW, Service
from topcoat.core import errors
from topcoat.core.idempotency import request_key
from topcoat.store.batches import ActivityWrite, GenerationMoved, OverrideWrite, Written
from topcoat.store.engine import WriteConnection
from topcoat.store.idempotency import KeptAnswer
from topcoat.store.writer import Writer

GENERATION = 1


def activity(
    activity_id: str, customer_id: str, valid_until: datetime | None = None, title: str = "x"
) -> ActivityWrite:
    return ActivityWrite(
        generation=GENERATION,
        customer_id=customer_id,
        customer=None,
        activity_id=activity_id,
        activity_time=datetime(2026, 11, 20, tzinfo=UTC),
        activity_type="Note",
        source_table=None,
        document={"ActivityId": activity_id, "Title": title},
        valid_until=valid_until,
        caller=None,
        principal="tests",
    )


def change(customer_id: str, city: str = "Paris") -> OverrideWrite:
    return OverrideWrite(
        generation=GENERATION,
        customer_id=customer_id,
        columns={"City": city},
        valid_until=None,
        caller=None,
        principal="tests",
    )


async def count(service: Service, table: str) -> int:
    async with service.store.glancing() as connection:
        row = await connection.fetch_one(text(f"SELECT count(*) FROM {table}"))
    assert row is not None
    return int(row[0])


async def test_sequences_are_given_in_the_order_of_arrival_without_repeat(service: Service, abbie: str) -> None:
    """S6."""
    written = await asyncio.gather(*(service.writer.write(INSTANCE, change(abbie)) for _ in range(250)))

    sequences = [w.sequence for w in written]
    assert sequences == sorted(set(sequences))


async def test_of_equal_ids_in_one_batch_the_first_wins(service: Service, abbie: str) -> None:
    """S13, S30."""
    attempts = [service.writer.write(INSTANCE, activity("a-1", abbie, title=str(n))) for n in range(5)]

    outcomes = await asyncio.gather(*attempts, return_exceptions=True)

    assert isinstance(outcomes[0], Written)
    assert [type(outcome) for outcome in outcomes[1:]] == [errors.ActivityExists] * 4
    assert await count(service, "realtime_activity") == 1


async def test_one_id_may_be_used_by_two_customers(service: Service, abbie: str) -> None:
    """S12."""
    async with service.store.glancing() as connection:
        rows = await connection.fetch_all(text("SELECT customer_id FROM snapshot_profile ORDER BY customer_id"))
    others = [row.customer_id for row in rows if row.customer_id != abbie]

    await asyncio.gather(*(service.writer.write(INSTANCE, activity("a-1", i)) for i in (abbie, others[0])))

    assert await count(service, "realtime_activity") == 2


async def test_each_write_of_a_batch_is_judged_alone(service: Service, abbie: str) -> None:
    past = NOW - timedelta(seconds=1)

    outcomes = await asyncio.gather(
        service.writer.write(INSTANCE, activity("a-1", abbie)),
        service.writer.write(INSTANCE, activity("a-2", abbie, past)),
        service.writer.write(INSTANCE, activity("a-3", "nobody")),
        service.writer.write(INSTANCE, change("nobody")),
        service.writer.write(INSTANCE, change(abbie)),
        service.writer.write("no instance", change(abbie)),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [
        Written,
        errors.ValidUntilOutOfRange,
        errors.UnknownCustomer,
        errors.RecordNotFound,
        Written,
        errors.InstanceNotFound,
    ]


async def test_a_write_checked_against_another_generation_is_sent_back(service: Service, abbie: str) -> None:
    """S5."""
    stale = OverrideWrite(
        generation=GENERATION + 1,
        customer_id=abbie,
        columns={"City": "x"},
        valid_until=None,
        caller=None,
        principal="t",
    )

    with pytest.raises(GenerationMoved):
        await service.writer.write(INSTANCE, stale)

    assert await count(service, "override") == 0


async def test_recorded_at_never_decreases_when_the_clock_of_the_host_jumps_back(service: Service, abbie: str) -> None:
    """S6."""
    await service.writer.write(INSTANCE, change(abbie))
    async with service.store.writing() as connection:
        await connection.run(text("UPDATE service_clock SET frozen_at = frozen_at - 3600000000"))
    await service.writer.write(INSTANCE, change(abbie))

    async with service.store.glancing() as glance:
        rows = await glance.fetch_all(text("SELECT recorded_at FROM override ORDER BY sequence"))
    assert rows[0].recorded_at == rows[1].recorded_at


async def test_a_row_that_the_database_refuses_fails_alone(service: Service, abbie: str) -> None:
    """S30. A NUL is refused by PostgreSQL's jsonb; SQLite keeps it, so a constraint stands in for it there."""
    if not service.store.is_postgresql:
        async with service.store.writing() as connection:
            await connection.run(
                text(
                    "CREATE TRIGGER refuse BEFORE INSERT ON realtime_activity WHEN new.activity_id = 'a-13'"
                    " BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )
            )
    writes = [activity(f"a-{n}", abbie, title="\0" if n == 13 else "x") for n in range(40)]

    outcomes = await asyncio.gather(*(service.writer.write(INSTANCE, w) for w in writes), return_exceptions=True)

    assert [n for n, outcome in enumerate(outcomes) if not isinstance(outcome, Written)] == [13]
    assert await count(service, "realtime_activity") == 39


async def test_a_full_queue_refuses_and_what_it_took_is_written(service: Service, abbie: str) -> None:
    """S31."""
    writer = Writer(service.store, service.clock, queue_max=10, batch_max=5)

    outcomes = await asyncio.gather(
        *(writer.write(INSTANCE, activity(f"a-{n}", abbie)) for n in range(25)), return_exceptions=True
    )
    await writer.close()

    taken = [outcome for outcome in outcomes if isinstance(outcome, Written)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, errors.Overloaded)]
    assert (len(taken), len(refused)) == (10, 15)
    assert await count(service, "realtime_activity") == 10


async def test_closing_finishes_what_was_taken_and_refuses_what_comes_later(service: Service, abbie: str) -> None:
    """S30."""
    writer = Writer(service.store, service.clock, queue_max=100, batch_max=5)
    writes = [asyncio.ensure_future(writer.write(INSTANCE, activity(f"a-{n}", abbie))) for n in range(30)]
    await asyncio.sleep(0)

    await writer.close()

    assert [type(outcome) for outcome in await asyncio.gather(*writes)] == [Written] * 30
    with pytest.raises(errors.Overloaded):
        await writer.write(INSTANCE, activity("a-late", abbie))


async def test_a_caller_that_goes_away_loses_the_answer_but_not_the_write(service: Service, abbie: str) -> None:
    """S30."""
    waiting = asyncio.ensure_future(service.writer.write(INSTANCE, activity("a-1", abbie)))
    await asyncio.sleep(0)
    waiting.cancel()

    await service.writer.write(INSTANCE, change(abbie))

    assert await count(service, "realtime_activity") == 1


class BreakingStore:
    """The real store, whose first transactions end with an error of the driver, before or after their work."""

    def __init__(self, service: Service, failures: list[BaseException], *, is_after_work: bool) -> None:
        self._store = service.store
        self._failures = failures
        self._is_after_work = is_after_work

    @asynccontextmanager
    async def writing_locked(self, lock: str) -> AsyncIterator[WriteConnection]:
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None and not self._is_after_work:
            raise failure
        async with self._store.writing_locked(lock) as connection:
            yield connection
        if failure is not None:
            raise failure


def broken(sqlstate: str | None = None, *, is_lost: bool = False) -> exc.DBAPIError:
    cause = RuntimeError("broken")
    cause.sqlstate = sqlstate  # type: ignore[attr-defined]
    return exc.DBAPIError("INSERT", {}, cause, connection_invalidated=is_lost)


@pytest.mark.parametrize("failure", [broken("40P01"), broken("40001"), broken(is_lost=True), ConnectionResetError()])
async def test_a_batch_is_tried_again_after_a_deadlock_or_a_lost_connection(
    service: Service, abbie: str, failure: BaseException
) -> None:
    """S30."""
    store = BreakingStore(service, [failure, failure], is_after_work=False)
    writer = Writer(store, service.clock, queue_max=10, batch_max=5)  # type: ignore[arg-type]

    assert isinstance(await writer.write(INSTANCE, activity("a-1", abbie)), Written)


async def test_a_connection_that_breaks_during_the_commit_is_answered_as_unknown(service: Service, abbie: str) -> None:
    """S30: the write may have landed; sent again it gives the same end state."""
    store = BreakingStore(service, [broken(is_lost=True)], is_after_work=True)
    writer = Writer(store, service.clock, queue_max=10, batch_max=5)  # type: ignore[arg-type]

    with pytest.raises(errors.StoreUnreachable):
        await writer.write(INSTANCE, activity("a-1", abbie))
    with pytest.raises(errors.ActivityExists):
        await writer.write(INSTANCE, activity("a-1", abbie))

    assert await count(service, "realtime_activity") == 1


async def test_a_write_whose_answer_was_lost_is_answered_under_its_key_when_it_is_sent_again(
    service: Service, abbie: str
) -> None:
    """S30."""
    key = request_key(principal="tests", key="k", request=(b"a-1",))
    keyed = replace(activity("a-1", abbie), key=key)
    store = BreakingStore(service, [broken(is_lost=True)], is_after_work=True)
    writer = Writer(store, service.clock, queue_max=10, batch_max=5)  # type: ignore[arg-type]

    with pytest.raises(errors.StoreUnreachable):
        await writer.write(INSTANCE, keyed)
    again = await service.writer.write(INSTANCE, keyed)

    assert isinstance(again, KeptAnswer)
    assert (again.activity_id, again.customer_id) == ("a-1", abbie)
    assert await count(service, "realtime_activity") == 1


async def test_two_writers_on_one_database_agree_on_who_was_first(service: Service, abbie: str) -> None:
    """S13, S30."""
    others = [Writer(service.store, service.clock, queue_max=1000, batch_max=20) for _ in range(2)]
    ids = [f"a-{n}" for n in range(100)]

    outcomes = await asyncio.gather(
        *(others[0].write(INSTANCE, activity(i, abbie)) for i in ids),
        *(others[1].write(INSTANCE, activity(i, abbie)) for i in reversed(ids)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Written) for outcome in outcomes) == 100
    assert sum(isinstance(outcome, errors.ActivityExists) for outcome in outcomes) == 100
    assert await count(service, "realtime_activity") == 100
