"""The controllable clock (S1, S4)."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import INSTANCE, NOW, Service, open_service
from tests.flows import asking
from topcoat.clock import Clock
from topcoat.core import errors


async def test_a_frozen_clock_stands_and_a_resumed_one_goes_on_from_there(service: Service) -> None:
    clock = service.flows.service_clock

    assert [(await clock.read()).now for _ in range(2)] == [NOW, NOW]
    resumed = await clock.resume()
    assert not resumed.is_frozen
    assert NOW <= (await clock.read()).now < NOW + timedelta(minutes=1)
    frozen = await clock.freeze()
    assert (await clock.read()).now == frozen.now


async def test_the_clock_survives_a_restart_and_is_shared(service: Service, database_url: str) -> None:
    await service.flows.service_clock.advance(timedelta(days=3))

    async with open_service(database_url) as other:
        assert (await other.flows.service_clock.read()).now == NOW + timedelta(days=3)
        await other.flows.service_clock.set(NOW + timedelta(days=4))

    assert (await service.flows.service_clock.read()).now == NOW + timedelta(days=4)


@pytest.mark.parametrize("instant", [NOW - timedelta(microseconds=1), datetime(9999, 12, 31, tzinfo=UTC)])
async def test_the_clock_moves_forward_only_and_not_out_of_range(service: Service, instant: datetime) -> None:
    with pytest.raises(errors.ClockRequestInvalid):
        await service.flows.service_clock.set(instant)

    assert (await service.flows.service_clock.read()).now == NOW


@pytest.mark.parametrize("duration", [timedelta(microseconds=-1), timedelta(days=-1), timedelta.max])
async def test_an_impossible_advance_is_refused(service: Service, duration: timedelta) -> None:
    with pytest.raises(errors.ClockRequestInvalid):
        await service.flows.service_clock.advance(duration)

    assert (await service.flows.service_clock.read()).now == NOW


async def test_advancing_tells_what_lapsed_on_the_way_in_order(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"City": "Paris"})
    await asking.post(service, abbie, "a-1", asking.write(timedelta(hours=1)))
    await asking.post(service, abbie, "a-2")
    await asking.override(service, abbie, {"City": "Rome"})
    withdrawn = (await asking.live_changes(service, abbie))[-1]
    await service.flows.ingest.withdraw_change(INSTANCE, withdrawn.sequence, asking.write())

    reading = await service.flows.service_clock.advance(timedelta(hours=4))

    assert reading.passed is not None
    assert reading.passed.lapsed_total == 2
    assert [(w.activity_id, w.valid_until - NOW) for w in reading.passed.lapsed] == [
        ("a-1", timedelta(hours=1)),
        (None, timedelta(hours=4)),
    ]


def test_outside_emulator_mode_the_service_clock_is_the_system_clock() -> None:
    from topcoat.clock import ServiceTime

    clock = Clock(is_adjustable=False)

    before = clock.system_now()
    assert before <= clock.now(ServiceTime(frozen_at=NOW + timedelta(days=365))) <= clock.system_now()
