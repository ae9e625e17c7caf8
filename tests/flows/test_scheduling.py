"""Schedules become jobs when they fall due on the service clock, each time once (S4)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import INSTANCE, NOW, Service, open_client, open_service
from tests.flows import asking
from tests.flows.test_refresh import customer, environment
from topcoat.clock import ServiceTime
from topcoat.core import errors
from topcoat.core.schedules import Schedule
from topcoat.core.workflow import Job
from topcoat.flows.jobs import command_line
from topcoat.flows.jobs.scheduling import SCHEDULES_MAX, Draft
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.progress import Silent
from topcoat.settings import Settings
from topcoat.store import clock as service_time_store

EVERY_SIX_HOURS = "0 0,6,12,18 * * *"


@pytest.fixture
async def service(sqlite_url: str) -> AsyncIterator[Service]:
    async with open_service(sqlite_url) as opened:
        yield opened


def draft(*lines: str, operation_type: str = "search", **parts: Any) -> Draft:
    return Draft(lines=lines, time_zone=parts.pop("time_zone", "UTC"), operation_type=operation_type, **parts)


async def save(service: Service, *drafts: Draft) -> list[Schedule]:
    return await service.flows.schedules.save_schedules(INSTANCE, drafts, "tester")


async def due_jobs(service: Service) -> list[Job]:
    """As they fell due."""
    reports = await service.flows.jobs.list_jobs(INSTANCE, limit=200)
    return [report.job for report in reversed(reports) if report.job.due_at is not None]


async def jump(service: Service, instant: datetime) -> None:
    """As time goes by while no service runs."""
    async with service.store.writing() as connection:
        await service_time_store.save_service_time(connection, ServiceTime(frozen_at=instant))


async def test_advancing_passes_through_each_due_time_in_order(service: Service, tmp_path: Path) -> None:
    await service.refresh(environment(tmp_path, [customer("a")]))
    environment(tmp_path, [customer("a", "Bergen")])
    await save(service, draft("0 18 * * *", operation_type="all"), draft("0 6 * * *"))

    reading = await service.flows.service_clock.advance(timedelta(days=1, hours=12))

    jobs = await due_jobs(service)
    hours = [timedelta(hours=hour) for hour in (6, 18, 30)]
    assert [(job.due_at, job.submitted_at, job.ended_at) for job in jobs] == [
        (NOW + h, NOW + h, NOW + h) for h in hours
    ]
    assert [job.operation_type for job in jobs] == ["all", "search", "all"]
    assert {job.status.value for job in jobs} == {"successful"}
    assert reading.now == NOW + timedelta(hours=36)
    assert reading.passed is not None
    assert (reading.passed.jobs_total, reading.passed.jobs) == (3, jobs)
    assert (await asking.read(service, "a"))["City"] == "Bergen"


async def test_a_change_made_before_lapses_as_the_clock_passes_jobs(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"City": "Paris"})
    await save(service, draft("0 13 * * *"))

    reading = await service.flows.service_clock.set(NOW + timedelta(hours=5))

    assert reading.passed is not None
    assert (reading.passed.lapsed_total, reading.passed.jobs_total) == (1, 1)


async def test_a_running_clock_passes_through_due_times_too(service: Service) -> None:
    await service.flows.service_clock.resume()
    await save(service, draft("0 18 * * *"))

    reading = await service.flows.service_clock.advance(timedelta(days=1))

    assert [job.due_at for job in await due_jobs(service)] == [NOW + timedelta(hours=6)]
    assert NOW + timedelta(days=1) <= reading.now < NOW + timedelta(days=1, minutes=2)
    assert not reading.is_frozen


async def test_an_advance_past_too_many_jobs_is_refused_before_anything_moves(service: Service) -> None:
    await save(service, draft(EVERY_SIX_HOURS))

    with pytest.raises(errors.ClockRequestInvalid, match="more than 100 jobs"):
        await service.flows.service_clock.advance(timedelta(days=26))

    assert (await service.flows.service_clock.read()).now == NOW
    assert await due_jobs(service) == []


async def test_what_was_missed_is_made_up_for_once(service: Service) -> None:
    await save(service, draft(EVERY_SIX_HOURS))
    await jump(service, NOW + timedelta(days=3, hours=1))

    await service.flows.schedules.submit_due()
    await service.flows.schedules.submit_due()

    assert [job.due_at for job in await due_jobs(service)] == [NOW + timedelta(days=3)]
    assert await service.flows.schedules.find_next_due(NOW + timedelta(days=3, hours=6)) is not None


async def test_a_schedule_does_not_pile_up_jobs_that_wait(service: Service) -> None:
    await save(service, draft(EVERY_SIX_HOURS))
    for hours in (6, 12):
        await jump(service, NOW + timedelta(hours=hours))
        await service.flows.schedules.submit_due()

    assert [job.due_at for job in await due_jobs(service)] == [NOW + timedelta(hours=6)]


async def test_of_several_workers_one_makes_the_job(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(open_service(database_url)) for _ in range(4)]
        await save(workers[0], draft(EVERY_SIX_HOURS))
        for day in range(1, 4):
            await jump(workers[0], NOW + timedelta(days=day))
            await asyncio.gather(*(worker.flows.schedules.submit_due() for worker in workers))
            for job in await due_jobs(workers[0]):
                if not job.status.is_final:
                    await workers[0].flows.jobs.cancel_job(INSTANCE, job.job_id)

        assert [job.due_at for job in await due_jobs(workers[1])] == [NOW + timedelta(days=day) for day in range(1, 4)]


async def test_two_services_run_a_schedule_exactly_once_each_time(
    database_url: str, tmp_path: Path, admin: dict[str, str], base: str, as_role: Callable[[str], dict[str, str]]
) -> None:
    """48 hours, while both look for what is due."""
    operation_type = "all" if database_url.startswith("sqlite") else "search"  # a refresh of PostgreSQL takes long
    settings = Settings(home=tmp_path, database_url=database_url)
    if operation_type == "all":
        async with open_service(database_url) as service:
            await service.refresh(environment(tmp_path, [customer("a")]))
    async with open_client(settings) as one, open_client(settings) as other:
        await one.post(
            f"{base}/workflows/main/schedules",
            json={"cronSchedules": [EVERY_SIX_HOURS], "timezoneId": "UTC", "operationType": operation_type},
            headers=as_role("administrator"),
        )

        moved = await other.post("/_topcoat/clock", json={"advance": "PT48H"}, headers=admin)
        listed = (await one.get(f"{base}/manage/workflows/main/jobs?top=100")).json()

    expected = [NOW + timedelta(hours=hours) for hours in range(6, 49, 6)]
    runs = moved.json()["jobs"]
    assert moved.status_code == 200, moved.text
    assert [datetime.fromisoformat(run["dueAt"]) for run in runs["runs"]] == expected
    assert runs["total"] == len(listed) == len(expected)
    assert {job["jobStatus"] for job in listed} == {run["jobStatus"] for run in runs["runs"]} == {"successful"}
    assert {job["jobSubmissionKind"] for job in listed} == {"scheduled"}


async def test_a_schedule_is_replaced_by_its_id_and_put_to_rest(service: Service) -> None:
    [first] = await save(service, draft("0 18 * * *"))
    await save(service, draft("0 6 * * *", schedule_id=first.schedule_id, is_active=False))

    await service.flows.service_clock.advance(timedelta(days=3))

    [found] = await service.flows.schedules.list_schedules(INSTANCE)
    assert (found.schedule_id, found.lines, found.is_active) == (first.schedule_id, ("0 6 * * *",), False)
    assert await due_jobs(service) == []


@pytest.mark.parametrize(
    ("drafts", "said"),
    [
        ([draft("0 6 * * *"), draft("0 0 30 2 *")], "0 0 30 2"),
        ([draft("0 6 * * *", time_zone="Mars")], "timezoneId is 'Mars'"),
        ([draft("0 6 * * *", operation_type="refresh")], "operationType is 'refresh'"),
        ([draft("0 6 * * *", operation_type="ingestion", identifiers=("Nowhere",))], "'Nowhere'"),
        ([draft(EVERY_SIX_HOURS), draft("0 7 * * MON")], "at most 4 a day"),
        ([draft("0 6 * * *", is_active=False)] * (SCHEDULES_MAX + 1), "at most 100 in an instance"),
    ],
)
async def test_schedules_are_stored_together_or_not_at_all(service: Service, drafts: list[Draft], said: str) -> None:
    with pytest.raises(errors.ParameterInvalid) as raised:
        await save(service, *drafts)

    assert said in raised.value.message
    assert await service.flows.schedules.list_schedules(INSTANCE) == []


async def test_all_active_schedules_count_towards_the_limit(service: Service) -> None:
    await save(service, draft(EVERY_SIX_HOURS), draft(EVERY_SIX_HOURS, is_active=False))

    with pytest.raises(errors.ParameterInvalid, match="at most 4 a day"):
        await save(service, draft("0 7 * * MON"))


async def test_the_schedule_of_the_environment_file_is_kept_until_the_file_changes(
    service: Service, tmp_path: Path
) -> None:
    file = environment(tmp_path, [customer("a")])
    text = file.read_text()

    async def refreshed(section: str) -> Schedule:
        file.write_text(text + section)
        loaded = load_environment(file)
        await command_line.refresh(service.store, service.clock, loaded, Silent(), horizon=timedelta(days=7))
        [found] = await service.flows.schedules.list_schedules(INSTANCE)
        return found

    first = await refreshed("schedule: {cron: [0 18 * * *]}\n")
    await save(service, draft("0 18 * * *", schedule_id=first.schedule_id, is_active=False))
    put_to_rest = await refreshed("schedule: {cron: [0 18 * * *]}\n")
    changed = await refreshed("schedule: {cron: [0 7 * * *]}\n")
    gone = await refreshed("")

    assert (first.is_active, first.principal, first.next_due_at) == (True, "environment file", NOW + timedelta(hours=6))
    assert (put_to_rest.is_active, put_to_rest.principal) == (False, "tester")
    assert (changed.schedule_id, changed.is_active, changed.lines) == (first.schedule_id, True, ("0 7 * * *",))
    assert await refreshed("") == gone
    assert not gone.is_active


async def test_the_runner_notices_by_itself_what_falls_due(service: Service) -> None:
    await save(service, draft("0 18 * * *"))
    await jump(service, NOW + timedelta(hours=7))

    running = asyncio.create_task(service.flows.runner.run_until_stopped())
    async with asyncio.timeout(20):
        while [job.status.is_final for job in await due_jobs(service)] != [True]:
            pass
    service.flows.runner.stop()
    await running
