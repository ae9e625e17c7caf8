"""Jobs: queued, run as stages, failed, cancelled, taken over (S4, S20)."""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import INSTANCE, NOW, Service, open_service
from tests.flows import asking
from tests.flows.test_refresh import activity, customer, environment
from topcoat.core import errors
from topcoat.core.workflow import Job, Origin, Status
from topcoat.flows.jobs import JobReport, command_line, recording, requests, threads
from topcoat.flows.jobs.recording import Recording
from topcoat.flows.jobs.runner import ATTEMPTS_MAX, Runner
from topcoat.flows.jobs.scheduling import Schedules, new_tasks
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.progress import Silent
from topcoat.flows.refresh.workspace import NOTHING_KEPT
from topcoat.store import generations, instances, jobs, search_index
from topcoat.store.jobs import NewJob

HORIZON = timedelta(days=7)
UNIFIED = {"map", "match", "enrichment"}


@pytest.fixture
async def service(sqlite_url: str) -> AsyncIterator[Service]:
    async with open_service(sqlite_url) as opened:
        yield opened


async def submit(service: Service, operation_type: str = "all", *identifiers: str) -> Job:
    return (await service.flows.jobs.submit(INSTANCE, operation_type, identifiers, principal="tester")).job


async def read(service: Service, job: Job) -> JobReport:
    return await service.flows.jobs.get_job(INSTANCE, job.job_id)


async def status_of(service: Service, job: Job) -> Status:
    return (await read(service, job)).job.status


def statuses(report: JobReport) -> dict[str, str]:
    return {task.operation_type: task.status.value for task in report.tasks}


async def cities(service: Service) -> list[object]:
    return [record["City"] for record in (await asking.page(service, "Customer")).records]


async def until(service: Service, job: Job, status: Status) -> None:
    async with asyncio.timeout(20):
        while await status_of(service, job) is not status:
            pass


async def start(service: Service, job: Job, owner: str = "somebody", *, is_dead: bool = False) -> None:
    """As a worker does that was given the job, and, for all anybody knows, died."""
    lease_until = service.clock.system_now() + timedelta(seconds=-1 if is_dead else 60)
    async with service.store.writing() as connection:
        await jobs.start_job(connection, job, owner=owner, lease_until=lease_until, now=NOW)


async def test_a_job_refreshes_from_the_file_of_the_last_refresh(service: Service, tmp_path: Path) -> None:
    await service.refresh(environment(tmp_path, [customer("a")]))
    environment(tmp_path, [customer("a", "Bergen"), customer("b")])
    submitted = await submit(service)

    assert await service.flows.runner.run_next()

    ended = await read(service, submitted)
    assert (submitted.status, ended.job.status) == (Status.QUEUED, Status.SUCCESSFUL)
    assert {name: "skipped" if name in UNIFIED else "successful" for name in statuses(ended)} == statuses(ended)
    assert all(task.started_at == task.ended_at == NOW for task in ended.tasks)
    assert ended.job.generation == (await service.flows.instances.get_instance(INSTANCE)).generation
    assert ended.job.outcomes["change"]["confirmed"] == 0
    report = await service.flows.jobs.get_report(INSTANCE, submitted.job_id)
    assert (report["profiles"], report["opened"]["snapshot_profile"]) == (2, 2)
    assert await cities(service) == ["Bergen", "Oslo"]
    assert not await service.flows.runner.run_next()


async def test_a_failing_task_says_why_and_skips_what_needs_it(service: Service, tmp_path: Path) -> None:
    await service.refresh(environment(tmp_path, [customer("a")]))
    environment(tmp_path, [customer("a", "Bergen")], [activity("1", "nobody")])
    submitted = await submit(service)

    await service.flows.runner.run_next()

    ended = await read(service, submitted)
    merge = ended.tasks[3]
    assert ended.job.status is Status.FAILED
    assert list(statuses(ended).values()) == ["successful", "skipped", "skipped", "failed", *["skipped"] * 6]
    assert merge.fault is not None
    assert (merge.fault.code, merge.fault.is_callers) == ("SourceInvalid", True)
    assert "'nobody' names no profile" in merge.fault.message
    assert ended.tasks[-1].fault is not None
    assert ended.tasks[-1].fault.message == "It needs measures, which did not succeed."
    report = await service.flows.jobs.get_report(INSTANCE, submitted.job_id)
    assert (list(report["tasks"]), report["generation"]) == (["ingestion", "map", "match", "merge"], 0)
    assert ended.job.outcomes == {}
    assert await cities(service) == ["Oslo"]


async def test_a_job_without_an_environment_file_fails_at_once(service: Service, tmp_path: Path) -> None:
    file = environment(tmp_path, [customer("a")])
    await service.refresh(file)
    file.write_text(file.read_text().replace("000000000001", "000000000002"))
    elsewhere = await submit(service)
    await service.flows.runner.run_next()
    file.unlink()
    gone = await submit(service)
    await service.flows.runner.run_next()
    async with service.store.writing() as connection:
        await instances.save_instance(
            connection,
            guid=INSTANCE,
            name="Contoso Coffee",
            instance_type="trial",
            profile_lifetime=HORIZON,
            activity_lifetime=HORIZON,
            now=NOW,
        )
    never = await submit(service)
    await service.flows.runner.run_next()

    for job, said in ((elsewhere, "000000000002 now"), (gone, "environment.yaml"), (never, "never refreshed from one")):
        report = await read(service, job)
        assert report.job.status is Status.FAILED
        assert list(statuses(report).values()) == ["failed", *["skipped"] * 9]
        fault = report.tasks[0].fault
        assert fault is not None
        assert said in fault.message
        with pytest.raises(errors.ReportNotFound, match="read nothing"):
            await service.flows.jobs.get_report(INSTANCE, job.job_id)


async def test_jobs_of_an_instance_run_one_at_a_time_in_the_order_of_submission(service: Service) -> None:
    first, second = await submit(service), await submit(service)

    next_one = await claimable(service)
    await start(service, first)
    meanwhile = await claimable(service)

    assert next_one is not None
    assert next_one.job_id == first.job_id
    assert meanwhile is None
    assert await status_of(service, second) is Status.QUEUED


async def test_a_job_whose_worker_died_is_taken_over(service: Service, tmp_path: Path) -> None:
    await service.refresh(environment(tmp_path, [customer("a")]))
    job = await submit(service)
    await start(service, job, is_dead=True)

    assert await service.flows.runner.run_next()

    report = await read(service, job)
    assert (report.job.status, report.job.attempts) == (Status.SUCCESSFUL, 2)


@pytest.mark.parametrize("origin", [Origin.CALLER, Origin.COMMAND_LINE])
async def test_a_job_that_is_not_to_be_tried_again_fails_with_its_reason(service: Service, origin: Origin) -> None:
    new = NewJob(str(uuid.uuid4()), origin, "all", NOW)
    async with service.store.writing() as connection:
        stand = await instances.lock_stand(connection, INSTANCE)
        assert stand is not None
        await jobs.insert_job(connection, stand.instance_id, new, new_tasks())
        job = await jobs.find_job(connection, INSTANCE, new.job_id)
    assert job is not None
    for _ in range(ATTEMPTS_MAX if origin is Origin.CALLER else 1):
        await start(service, job, is_dead=True)

    assert not await service.flows.runner.run_next()

    report = await read(service, job)
    assert report.job.status is Status.FAILED
    assert list(statuses(report).values()) == ["failed", *["aborted"] * 9]
    fault = report.tasks[0].fault
    assert fault is not None
    assert fault.code == "JobAbandoned"


async def test_a_job_whose_worker_died_behind_its_work_is_done(service: Service) -> None:
    job = await submit(service)
    await start(service, job, is_dead=True)
    async with service.store.writing() as connection:
        assert await jobs.mark_activated(connection, job, owner="somebody", generation=1)

    await service.flows.runner.run_next()

    assert await status_of(service, job) is Status.SUCCESSFUL


async def test_a_job_that_waits_is_cancelled_for_good(service: Service) -> None:
    job = await submit(service)

    cancelled = await service.flows.jobs.cancel_job(INSTANCE, job.job_id)

    assert cancelled.job.status is Status.ABORTED
    assert set(statuses(cancelled).values()) == {"aborted"}
    assert not await service.flows.runner.run_next()
    with pytest.raises(errors.JobEnded, match="is aborted"):
        await service.flows.jobs.cancel_job(INSTANCE, job.job_id)


async def test_a_job_cancelled_while_it_runs_leaves_what_is_published(service: Service, tmp_path: Path) -> None:
    await service.refresh(environment(tmp_path, [customer("a")]))
    before = (await service.flows.instances.get_instance(INSTANCE)).generation
    environment(tmp_path, [customer("a", "Bergen")])
    job = await submit(service)

    async with service.store.session() as session, search_index.owned(session, job.instance_id):
        running = asyncio.create_task(service.flows.runner.run_next())
        await until(service, job, Status.RUNNING)
        await service.flows.jobs.cancel_job(INSTANCE, job.job_id)
    await running

    assert await status_of(service, job) is Status.ABORTED
    assert (await service.flows.instances.get_instance(INSTANCE)).generation == before
    assert await cities(service) == ["Oslo"]


async def test_a_job_that_has_published_cannot_be_cancelled_any_more(service: Service) -> None:
    job = await submit(service)
    await start(service, job)
    async with service.store.writing() as connection:
        await jobs.mark_activated(connection, job, owner="somebody", generation=1)

    with pytest.raises(errors.JobEnded, match="about to be successful"):
        await service.flows.jobs.cancel_job(INSTANCE, job.job_id)


async def test_a_run_that_lost_its_job_publishes_nothing(service: Service) -> None:
    job = await submit(service)
    await start(service, job)
    recording = Recording(
        service.store, service.clock, job, owner="somebody else", progress=Silent(), stopping=threading.Event()
    )

    async with service.store.writing() as connection:
        with pytest.raises(errors.JobStopped):
            await recording.activating(connection, 2)
    with pytest.raises(errors.JobStopped):
        await recording.ended("merge")
    with pytest.raises(errors.JobStopped):
        recording.advance(1)

    report = await read(service, job)
    assert (report.job.status, report.job.generation) == (Status.RUNNING, None)
    assert set(statuses(report).values()) == {"queued"}


async def test_a_lease_is_kept_until_the_job_is_cancelled(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "KEPT_EVERY_SECONDS", 0)
    job = await submit(service)
    await start(service, job, is_dead=True)
    kept = Recording(service.store, service.clock, job, owner="somebody", progress=Silent(), stopping=threading.Event())

    async with asyncio.timeout(20), kept.kept():
        while await claimable(service) is not None:
            pass
        await service.flows.jobs.cancel_job(INSTANCE, job.job_id)
        with pytest.raises(errors.JobStopped):
            await go_on(service, job, kept)


async def go_on(service: Service, job: Job, kept: Recording) -> None:
    while True:
        kept.advance(1)
        await status_of(service, job)


async def claimable(service: Service) -> Job | None:
    async with service.store.glancing() as connection:
        return await jobs.find_claimable(connection, service.clock.system_now())


async def test_the_runner_goes_on_when_the_database_was_away(service: Service) -> None:
    class Away(Schedules):
        """Only the first time."""

        calls = 0

        async def submit_due(self) -> None:
            self.calls += 1
            if self.calls == 1:
                raise errors.StoreUnreachable(reason="away")
            runner.stop()

    away = Away(service.store, service.flows.instances, service.clock)
    runner = Runner(service.store, service.clock, away, HORIZON, NOTHING_KEPT)
    runner.nudge()

    await runner.run_until_stopped()

    assert away.calls == 2


async def test_what_goes_wrong_in_a_thread_is_raised_where_it_is_waited_for() -> None:
    async def fail() -> None:
        raise errors.NothingToUndo

    with pytest.raises(errors.NothingToUndo):
        await threads.in_thread(fail)


async def test_a_job_waits_while_somebody_else_refreshes_the_instance(service: Service) -> None:
    job = await submit(service)

    async with service.store.session() as session, generations.owned(session, job.instance_id):
        assert not await service.flows.runner.run_next()

    report = await read(service, job)
    assert (report.job.status, report.job.attempts) == (Status.QUEUED, 0)
    await service.flows.runner.run_next()
    assert await status_of(service, job) is Status.SUCCESSFUL


async def test_a_runner_that_stops_puts_its_job_back(service: Service) -> None:
    job = await submit(service)

    async with service.store.session() as session, search_index.owned(session, job.instance_id):
        running = asyncio.create_task(service.flows.runner.run_until_stopped())
        await until(service, job, Status.RUNNING)
        service.flows.runner.stop()
    await running

    report = await read(service, job)
    assert report.job.status is Status.QUEUED
    assert set(statuses(report).values()) == {"queued"}


async def test_some_task_says_why_a_job_failed(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(environment(tmp_path, [customer("a")]).read_text().replace("000000000001", "000000000002"))
    other = load_environment(file)
    await publish.save_instance(service.store, service.clock, other)
    submitted = await service.flows.jobs.submit(other.instance_id, "measures", (), principal="tester")

    await service.flows.runner.run_next()

    report = await service.flows.jobs.get_job(other.instance_id, submitted.job.job_id)
    assert report.job.status is Status.FAILED
    faults = {t.operation_type: t.fault.code for t in report.tasks if t.status is Status.FAILED and t.fault is not None}
    assert faults == {"measures": "NotRefreshed"}


async def test_measures_are_computed_without_reading_files(service: Service, tmp_path: Path) -> None:
    await service.refresh(environment(tmp_path, [customer("a")]))
    environment(tmp_path, [customer("a", "Bergen")])
    job = await submit(service, "segmentation")

    await service.flows.runner.run_next()

    report = await read(service, job)
    done = {name for name, status in statuses(report).items() if status == "successful"}
    assert (report.job.status, done) == (Status.SUCCESSFUL, {"measures", "segmentation"})
    assert await cities(service) == ["Oslo"]


async def test_an_index_is_built_without_a_refresh(service: Service) -> None:
    job = await submit(service, "search")

    await service.flows.runner.run_next()

    report = await read(service, job)
    assert report.job.status is Status.SUCCESSFUL
    assert statuses(report) == dict.fromkeys(statuses(report), "skipped") | {"search": "successful"}
    assert (await service.flows.instances.get_instance(INSTANCE)).generation == 1


@pytest.mark.parametrize(
    ("asked", "identifiers", "said"),
    [
        ("everything", (), "operationType is 'everything'"),
        ("ingestoin", (), "did you mean 'ingestion'"),
        ("all", ("PoS",), "with operationType all"),
        ("measures", ("PoS",), "with operationType measures"),
        ("ingestion", ("Pos",), "did you mean 'PoS'"),
        ("ingestion", ("PoS",) * (requests.IDENTIFIERS_MAX + 1), "at most 100"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(
    service: Service, asked: str, identifiers: tuple[str, ...], said: str
) -> None:
    with pytest.raises(errors.ParameterInvalid) as raised:
        await submit(service, asked, *identifiers)

    assert said in raised.value.message
    assert await service.flows.jobs.list_jobs(INSTANCE, limit=10) == []


async def test_what_the_vendor_has_and_topcoat_has_not_is_told_apart(service: Service) -> None:
    with pytest.raises(errors.NotSupported):
        await submit(service, "Export")


async def test_the_queue_of_an_instance_has_an_end(service: Service) -> None:
    submitted = [await submit(service, "Ingestion", "PoS", "PoS") for _ in range(20)]

    with pytest.raises(errors.TooManyJobs):
        await submit(service)

    assert {(job.operation_type, job.identifiers) for job in submitted} == {("ingestion", ("PoS",))}
    listed = await service.flows.jobs.list_jobs(INSTANCE, limit=3)
    assert [report.job.job_id for report in listed] == [job.job_id for job in submitted[:-4:-1]]


async def test_the_oldest_jobs_are_forgotten(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "JOBS_KEPT_MAX", 2)
    submitted = [await submit(service) for _ in range(2)]
    for job in submitted[1:]:
        await service.flows.jobs.cancel_job(INSTANCE, job.job_id)
    submitted += [await submit(service) for _ in range(2)]

    kept = [report.job.job_id for report in await service.flows.jobs.list_jobs(INSTANCE, limit=10)]

    assert kept == [submitted[3].job_id, submitted[2].job_id, submitted[0].job_id]


async def test_history_and_status_tell_of_the_last_tasks(service: Service, tmp_path: Path) -> None:
    before = await service.flows.jobs.read_status(INSTANCE)
    await service.refresh(environment(tmp_path, [customer("a")]))
    good = await submit(service)
    await service.flows.runner.run_next()
    environment(tmp_path, [customer("a"), customer("a")])
    bad = await submit(service)
    await service.flows.runner.run_next()

    history = await service.flows.jobs.list_history(INSTANCE, limit=11)
    status = {node.operation_type: node for node in await service.flows.jobs.read_status(INSTANCE)}

    assert all(node.last is None and node.last_successful is None for node in before)
    assert [task.operation_type for task in history[:2]] == ["segmentation", "measures"]
    assert [task.job_id for task in history] == [bad.job_id] * 10 + [good.job_id]
    merge = status["merge"]
    assert merge.last is not None
    assert merge.last_successful is not None
    assert (merge.last.job_id, merge.last.status) == (bad.job_id, Status.FAILED)
    assert merge.last_successful.job_id == good.job_id
    assert status["map"].last_successful is None


async def test_a_refresh_at_the_command_line_is_a_job_too(service: Service, tmp_path: Path) -> None:
    good = load_environment(environment(tmp_path, [customer("a")]))
    await command_line.refresh(service.store, service.clock, good, Silent(), horizon=HORIZON)
    bad = load_environment(environment(tmp_path, [customer("a")], [activity("1", "b")]))
    with pytest.raises(errors.SourceInvalid):
        await command_line.refresh(service.store, service.clock, bad, Silent(), horizon=HORIZON)

    failed, succeeded = [report.job for report in await service.flows.jobs.list_jobs(INSTANCE, limit=10)]

    assert (failed.status, succeeded.status) == (Status.FAILED, Status.SUCCESSFUL)
    assert {failed.origin, succeeded.origin} == {Origin.COMMAND_LINE}


async def test_an_unknown_job_is_not_found(service: Service) -> None:
    with pytest.raises(errors.JobNotFound):
        await service.flows.jobs.get_job(INSTANCE, str(uuid.uuid4()))
    with pytest.raises(errors.InstanceNotFound):
        await service.flows.jobs.list_jobs(str(uuid.uuid4()), limit=10)
