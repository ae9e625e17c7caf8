"""The workflow over HTTP, where the vendor's client does not go."""

from typing import Any

import httpx
import pytest
from filelock import FileLock

from tests.conftest import headers_of

ADMINISTRATOR = headers_of("administrator")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def workflow(base: str) -> str:
    return f"{base}/workflows/main"


@pytest.mark.parametrize("spelling", ["workflows", "manage/workflows"])
async def test_both_spellings_are_one_workflow(client: httpx.AsyncClient, base: str, spelling: str) -> None:
    submitted = await client.post(f"{base}/workflows/Main/jobs")
    job = submitted.json()

    told = await client.get(f"{base}/{spelling}/main/jobs/{job['jobId'].upper()}?includeTasks=TRUE")

    assert submitted.status_code == told.status_code == 200
    assert (job["operationType"], job["shouldForceRunRequestedNodes"], job["tasks"]) == ("all", False, None)
    assert len(told.json()["tasks"]) == 10


async def test_the_query_wins_over_the_body(client: httpx.AsyncClient, workflow: str) -> None:
    body = {
        "graphName": "main",
        "operationType": "measures",
        "submissionKind": "onDemand",
        "jobType": "incremental",
        "identifiers": ["PoS"],
        "forceRunRequested": True,
        "inputRefreshMode": "FailedOrModified",
        "options": {"runDownstreamAfterMerge": True},
    }

    answer = await client.post(f"{workflow}/jobs?operationType=INGESTION&identifiers='PoS,Website'", json=body)
    by_body = await client.post(f"{workflow}/jobs", json=body | {"operationType": "Ingestion"})

    job = answer.json()
    assert answer.status_code == 200, answer.text
    assert (job["operationType"], job["idList"]) == ("ingestion", ["PoS", "Website"])
    assert (job["jobType"], job["shouldForceRunRequestedNodes"]) == ("incremental", True)
    assert (by_body.json()["operationType"], by_body.json()["idList"]) == ("ingestion", ["PoS"])


SENSELESS_JOBS: list[tuple[str, Any, int, str]] = [
    ("?operationType=all&identifiers=PoS", {}, 400, "with operationType all"),
    ("?operationType=", {"operationType": "reload"}, 400, "operationType is 'reload'"),
    ("?forceRunRequested=perhaps", {}, 400, "forceRunRequested is 'perhaps'"),
    ("", {"jobType": "partial"}, 400, "jobType is the string 'partial'"),
    ("", {"identifiers": "PoS"}, 400, "identifiers is the string 'PoS'"),
    ("", {"operation": "all"}, 400, "did you mean 'operationType'"),
    ("", {"submissionKind": "scheduled"}, 400, "schedules submit their jobs themselves"),
    ("", {"graphName": "side"}, 404, "Workflow 'side' does not exist"),
    ("", {"options": {"runDownstreamAfterMerge": False}}, 501, "runDownstreamAfterMerge false"),
    ("", [], 400, "expected one JSON object"),
]


async def test_a_job_that_makes_no_sense_is_refused(client: httpx.AsyncClient, workflow: str) -> None:
    for query, body, status, said in SENSELESS_JOBS:
        answer = await client.post(f"{workflow}/jobs{query}", json=body)

        assert answer.status_code == status, answer.text
        assert said in answer.json()["message"]
    assert (await client.get(f"{workflow}/jobs")).json() == []


async def test_top_is_a_small_positive_integer(client: httpx.AsyncClient, workflow: str) -> None:
    for what in ("jobs", "history"):
        for top in ("0", "-1", "501", "many", "1.5", "٣", ""):
            answer = await client.get(f"{workflow}/{what}", params={"top": top})

            assert answer.status_code == 400
            assert "expected an integer from 1 to 500" in answer.json()["message"]


SENSELESS_SCHEDULES: list[tuple[dict[str, Any], str]] = [
    ({"cronSchedules": ["0 6 * * *"], "scheduleId": "mine"}, "scheduleId is 'mine'; expected a UUID"),
    ({"cronSchedules": "0 6 * * *"}, "cronSchedules is the string"),
    ({"cronSchedules": ["0 6 * * *"], "isActive": "yes"}, "isActive is the string 'yes'"),
    ({"cronSchedules": ["0 6 * * *"], "subType": "other"}, "subType is the string 'other'"),
    ({"cron": []}, "cron is not a key of the contract"),
    ({}, "0 lines"),
]


async def test_a_schedule_that_makes_no_sense_is_refused(client: httpx.AsyncClient, workflow: str) -> None:
    for body, said in SENSELESS_SCHEDULES:
        answer = await client.post(f"{workflow}/schedules", json=body, headers=ADMINISTRATOR)

        assert answer.status_code == 400, answer.text
        assert said in answer.json()["message"]
    assert (await client.get(f"{workflow}/schedules")).json() == []


SENSELESS_BATCHES: list[tuple[Any, str]] = [
    ({}, "The body is an object; expected an array of at most 100 objects"),
    ([{}] * 101, "an array of 101"),
    ([1], "an array with the number 1 at [0]"),
    ([{"cronSchedules": ["0 6 * * *"], "scheduleId": NOBODY}] * 2, "the same twice"),
]


async def test_a_batch_that_makes_no_sense_is_refused(client: httpx.AsyncClient, workflow: str) -> None:
    for body, said in SENSELESS_BATCHES:
        answer = await client.post(f"{workflow}/schedules/batch", json=body, headers=ADMINISTRATOR)

        assert answer.status_code == 400, answer.text
        assert said in answer.json()["message"]


async def test_a_batch_may_be_empty(client: httpx.AsyncClient, workflow: str) -> None:
    answer = await client.post(f"{workflow}/schedules/batch", json=[], headers=ADMINISTRATOR)

    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_schedule_is_in_utc_active_and_for_all_unless_it_says_otherwise(
    client: httpx.AsyncClient, base: str, workflow: str
) -> None:
    sent = {"cronSchedules": ["0 6 * * *"], "operationType": None, "isActive": None}

    saved = (await client.post(f"{workflow}/schedules", json=sent, headers=ADMINISTRATOR)).json()

    assert (saved["operationType"], saved["timezoneId"], saved["isActive"]) == ("all", "UTC", True)
    assert saved["instanceId"] == base.rpartition("/")[2]


async def test_a_stage_that_never_ran_needs_an_update(client: httpx.AsyncClient, workflow: str) -> None:
    nodes = (await client.get(f"{workflow}/status")).json()

    assert {node["taskStatus"] for node in nodes} == {"needsUpdate"}
    assert {node["selectionReason"] for node in nodes} == {None}


async def test_a_task_that_waits_names_those_that_it_waits_for(
    client: httpx.AsyncClient, workflow: str, sqlite_url: str
) -> None:
    with FileLock(f"{sqlite_url.removeprefix('sqlite:///')}.refresh-1.lock"):  # as a refresh somewhere else has it
        job = (await client.post(f"{workflow}/jobs?operationType=segmentation")).json()
        told = (await client.get(f"{workflow}/jobs/{job['jobId']}?includeTasks=true")).json()
        cancelled = (await client.post(f"{workflow}/jobs/{job['jobId']}/cancel")).json()

    first, second, *_ = told["tasks"]
    assert (first["waitingTaskIds"], second["waitingTaskIds"]) == ([], [first["taskId"]])
    assert cancelled["jobStatus"] == "aborted"
