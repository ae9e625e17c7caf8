"""The workflow: jobs that refresh the instance for real, what became of them, and schedules."""

import time
from typing import Any

from tests.contract.stage import Answer, Stage
from tests.contract.telling import story

MAIN = {"workflow_name": "main"}
NOBODY = "00000000-0000-4000-8000-000000000000"
STAGES = [
    "ingestion",
    "map",
    "match",
    "merge",
    "enrichment",
    "profileStore",
    "search",
    "activity",
    "measures",
    "segmentation",
]


@story("Submit-a-workflow-job")
def submit_a_job(stage: Stage) -> None:
    submitted = submit(stage, operation_type="all", force_run_requested=True)
    assert (submitted.body["jobStatus"], submitted.body["jobSubmissionKind"]) == ("queued", "onDemand")
    assert (submitted.body["operationType"], submitted.body["shouldForceRunRequestedNodes"]) == ("all", True)
    assert ended(stage, submitted)["jobStatus"] == "successful"

    [source, *_] = stage.call("Get-all-data-sources").body
    source_id = source["dataSourceMetadata"]["dataSourceId"]
    narrowed = submit(stage, operation_type="Ingestion", identifiers=["'PoS'", source_id], body={})
    assert (narrowed.body["operationType"], narrowed.body["idList"]) == ("ingestion", ["PoS", source_id])
    assert ended(stage, narrowed)["jobStatus"] == "successful"

    for refused in ({"identifiers": ["PoS"]}, {"operation_type": "refresh"}, {"body": {"jobType": "some"}}):
        assert submit(stage, undeclared=400, **refused).status == 400
    submit(stage, undeclared=501, operation_type="export")
    submit(stage, undeclared=403, role="viewer")
    assert stage.call("Submit-a-workflow-job", workflow_name="side").status == 404


@story("Get-list-of-recent-workflow-jobs")
def list_recent_jobs(stage: Stage) -> None:
    older, newer = (ended(stage, submit(stage, operation_type="search")) for _ in range(2))

    recent = stage.call("Get-list-of-recent-workflow-jobs", role="viewer", **MAIN)
    assert [job["jobId"] for job in recent.body[:2]] == [newer["jobId"], older["jobId"]]
    assert all(job["tasks"] is None for job in recent.body)

    [last] = stage.call("Get-list-of-recent-workflow-jobs", top=1, include_tasks=True, **MAIN).body
    assert last["jobId"] == newer["jobId"]
    assert [task["operationType"] for task in last["tasks"]] == STAGES
    assert stage.call("Get-list-of-recent-workflow-jobs", workflow_name="side").status == 404


@story("Get-a-workflow-job-information")
def read_a_job(stage: Stage) -> None:
    job = ended(stage, submit(stage, operation_type="all"))

    plain = stage.call("Get-a-workflow-job-information", role="viewer", job_id=job["jobId"], **MAIN)
    detailed = stage.call("Get-a-workflow-job-information", job_id=job["jobId"], include_tasks=True, **MAIN)

    assert plain.body["tasks"] is None
    statuses = {task["operationType"]: task["taskStatus"] for task in detailed.body["tasks"]}
    assert [*statuses] == STAGES
    assert {name for name, status in statuses.items() if status != "successful"} == {"map", "match", "enrichment"}
    assert detailed.body["tasks"][1]["ciError"]["resultSeverity"] == "warning"
    unknown = stage.call("Get-a-workflow-job-information", job_id=NOBODY, **MAIN)
    assert (unknown.status, unknown.body["errorCode"]) == (404, "JobNotFound")


@story("Cancel-a-workflow-job")
def cancel_a_job(stage: Stage) -> None:
    before = stage.call("Get-entities-with-OData-path", relative_path="Customer?$top=1000").body["value"]
    running, waiting = (submit(stage, operation_type="all") for _ in range(2))

    cancelled = stage.call("Cancel-a-workflow-job", job_id=waiting.body["jobId"], **MAIN)
    assert cancelled.body["jobStatus"] == "aborted"
    told = stage.call("Get-a-workflow-job-information", job_id=waiting.body["jobId"], include_tasks=True, **MAIN).body
    assert (told["jobStatus"], {task["taskStatus"] for task in told["tasks"]}) == ("aborted", {"aborted"})

    assert ended(stage, running)["jobStatus"] == "successful"
    for job in (running, waiting):
        refused = stage.call("Cancel-a-workflow-job", job_id=job.body["jobId"], undeclared=400, **MAIN)
        assert refused.body["errorCode"] == "JobEnded"
    assert stage.call("Cancel-a-workflow-job", job_id=NOBODY, **MAIN).status == 404
    after = stage.call("Get-entities-with-OData-path", relative_path="Customer?$top=1000").body["value"]
    assert after == before


@story("Get-workflow-status")
def tell_the_status(stage: Stage) -> None:
    job = ended(stage, submit(stage, operation_type="all"))

    told = stage.call("Get-workflow-status", role="viewer", **MAIN)

    assert [node["operationType"] for node in told.body] == STAGES
    merge = told.body[3]
    assert merge["jobIds"] == merge["lastSuccessJobIds"] == [job["jobId"]]
    assert (merge["taskStatus"], merge["selectionReason"]["code"]) == ("successful", "requested")
    assert stage.call("Get-workflow-status", workflow_name="side").status == 404


@story("Get-list-of-workflow-task-information-history")
def list_the_history(stage: Stage) -> None:
    job = ended(stage, submit(stage, operation_type="all"))

    history = stage.call("Get-list-of-workflow-task-information-history", role="viewer", **MAIN)
    assert [task["operationType"] for task in history.body[: len(STAGES)]] == STAGES[::-1]
    assert {task["jobIds"][0] for task in history.body[: len(STAGES)]} == {job["jobId"]}
    assert len(history.body) == 10

    assert len(stage.call("Get-list-of-workflow-task-information-history", top=2, **MAIN).body) == 2
    assert stage.call("Get-list-of-workflow-task-information-history", workflow_name="side").status == 404


@story("Get-workflow-schedules")
def list_schedules(stage: Stage) -> None:
    saved = stage.call("Create-workflow-refresh-schedule", body=schedule(isActive=False), **MAIN).body

    assert saved in stage.call("Get-workflow-schedules", role="viewer", **MAIN).body


@story("Create-workflow-refresh-schedule")
def schedule_refreshes(stage: Stage) -> None:
    sent = schedule("0 0,6,12,18 * * *", timezoneId="Pacific Standard Time")
    saved = stage.call("Create-workflow-refresh-schedule", body=sent, **MAIN).body
    assert saved | sent == saved

    for lines, zone in ((["0 0 30 2 *"], "UTC"), (["0 6 * * *"], "Mars"), (["0 7 * * *"], "UTC"), ([], "UTC")):
        refused = {"cronSchedules": lines, "timezoneId": zone}
        answer = stage.call("Create-workflow-refresh-schedule", body=refused, undeclared=400, **MAIN)
        assert answer.body["errorCode"] == "ParameterInvalid"
    stage.call("Create-workflow-refresh-schedule", role="contributor", body=sent, undeclared=403, **MAIN)

    at_rest = saved | {"isActive": False}
    assert stage.call("Create-workflow-refresh-schedule", body=at_rest, **MAIN).body == at_rest
    assert at_rest in stage.call("Get-workflow-schedules", **MAIN).body


@story("Create-a-batch-of-workflow-refresh-schedules", uncaused={404: "only an unknown instance is not found"})
def schedule_several(stage: Stage) -> None:
    before = stage.call("Get-workflow-schedules", **MAIN).body
    good, bad = schedule(isActive=False, operationType="search"), schedule("0 25 * * *")

    refused = stage.call("Create-a-batch-of-workflow-refresh-schedules", body=[good, bad], undeclared=400, **MAIN)
    assert "cronSchedules[0]" in refused.body["message"]
    assert stage.call("Get-workflow-schedules", **MAIN).body == before

    saved = stage.call("Create-a-batch-of-workflow-refresh-schedules", body=[good, good], **MAIN).body
    assert [found | good for found in saved] == saved
    after = stage.call("Get-workflow-schedules", **MAIN).body
    assert [found for found in after if found not in before] == sorted(saved, key=lambda found: found["scheduleId"])


@story("Get-supported-timezones")
def list_time_zones(stage: Stage) -> None:
    zones = stage.call("Get-supported-timezones", role="viewer", **MAIN).body

    names = {zone["id"]: zone["name"] for zone in zones}
    assert names["UTC"] == "(UTC+00:00) Etc/UTC" or names["UTC"] == "(UTC+00:00) UTC"
    assert names["India Standard Time"] == "(UTC+05:30) Asia/Calcutta"
    assert names["Asia/Tokyo"] == "(UTC+09:00) Asia/Tokyo"


def submit(stage: Stage, **arguments: Any) -> Answer:
    return stage.call("Submit-a-workflow-job", **MAIN | {"role": "contributor"} | arguments)


def ended(stage: Stage, submitted: Answer) -> dict[str, Any]:
    """The job, as soon as it has come to its end."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        told: dict[str, Any] = stage.call("Get-a-workflow-job-information", job_id=submitted.body["jobId"], **MAIN).body
        if told["endTimestamp"] is not None:
            return told
    raise AssertionError(f"the job did not end: {told}")


def schedule(*lines: str, **parts: Any) -> dict[str, Any]:
    return {"cronSchedules": list(lines) or ["0 6 * * 1-5"], "timezoneId": "Europe/Berlin"} | parts
