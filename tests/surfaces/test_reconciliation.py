"""What a refresh made of changes and activities, the report of its job, and their metrics, over HTTP (S9)."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.conftest import headers_of
from tests.surfaces.state import NOW_TEXT, activity
from topcoat.flows.refresh.report import Quality, RunReport, TableFigures, TaskFigures
from topcoat.surfaces.customer_insights import workflow_payloads

NONE = {
    "change": {"confirmed": 0, "contradicted": 0, "unknownToSource": 0, "lost": 0},
    "activity": {"takenOver": 0, "onlyRealTime": 0, "lost": 0},
}


async def refresh(client: httpx.AsyncClient, base: str) -> dict[str, Any]:
    """Run by the service's own loop; the job when it has ended."""
    job = (await client.post(f"{base}/workflows/main/jobs")).json()
    async with asyncio.timeout(30):
        while True:
            told: dict[str, Any] = (await client.get(f"{base}/workflows/main/jobs/{job['jobId']}")).json()
            if told["endTimestamp"] is not None:
                return told


async def test_a_refresh_tells_what_it_made_of_every_write(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    await client.patch(f"{base}/data/Customer/{abbie}?caller=crm", json={"City": "Paris", "FullName": "A. Moss"})
    await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie))

    job = await refresh(client, base)

    outcomes = {
        "change": NONE["change"] | {"unknownToSource": 2},
        "activity": NONE["activity"] | {"onlyRealTime": 1},
    }
    assert (job["jobStatus"], job["reconciliation"]) == ("successful", outcomes)
    first = (await client.get(f"{base}/reconciliation?kind=change&outcome=unknownToSource&$top=1")).json()
    rest = (await client.get(first["nextLink"])).json()
    whole = (await client.get(f"{base}/reconciliation")).json()
    assert {name: first[name] for name in ("judgedAt", "outcomes")} == {"judgedAt": NOW_TEXT, "outcomes": outcomes}
    assert first["value"] + rest["value"] == whole["value"][:2]
    assert (rest["nextLink"], len(whole["value"])) == (None, 3)
    (row,) = first["value"]
    assert row.pop("sequence") > 0
    assert row == {
        "kind": "change",
        "outcome": "unknownToSource",
        "customerId": abbie,
        "columnName": "City",
        "activityId": None,
        "caller": "crm",
        "recordedAt": NOW_TEXT,
        "validUntil": "2026-11-24T16:00:00Z",
    }
    assert (whole["value"][2]["kind"], whole["value"][2]["activityId"]) == ("activity", "A-1")
    report = (await client.get(f"{base}/workflows/main/jobs/{job['jobId']}/report")).json()
    assert (report["reconciliation"], report["generation"]) == (outcomes, whole["generation"])
    assert "Paris" not in (await client.get(f"{base}/reconciliation")).text
    metrics = (await client.get("/metrics")).text
    labels = f'instance="{base.rpartition("/")[2]}",kind="change",outcome="unknownToSource"'
    assert f"topcoat_reconciliation{{{labels}}} 2.0" in metrics


async def test_a_lost_update_is_counted(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    await client.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"})
    await client.post("/_topcoat/clock", headers=admin, json={"advance": "PT4H"})

    job = await refresh(client, base)

    assert job["reconciliation"]["change"]["lost"] == 1
    assert 'topcoat_lost_updates_total{kind="change"} 1.0' in (await client.get("/metrics")).text


async def test_a_job_that_has_not_run_has_no_report(client: httpx.AsyncClient, base: str) -> None:
    unknown = await client.get(f"{base}/workflows/main/jobs/00000000-0000-4000-8000-000000000000/report")
    job = (await client.post(f"{base}/workflows/main/jobs?operationType=search")).json()
    without = await client.get(f"{base}/workflows/main/jobs/{job['jobId']}/report")

    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, "JobNotFound")
    assert (without.status_code, without.json()["errorCode"]) == (404, "ReportNotFound")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("generation=0", "generation is '0'"),
        ("generation=99", "expected the number of a generation that is kept"),
        ("kind=changes", "expected one of change, activity"),
        ("outcome=fine", "expected one of confirmed, contradicted"),
        ("$top=1001", "expected an integer from 1 to 1000"),
        ("$skiptoken=abc", "it was changed, or belongs to another query"),
        ("kind=change&kind=change", "given 2 times"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, base: str, query: str, said: str
) -> None:
    answer = await client.get(f"{base}/reconciliation?{query}")

    assert answer.status_code == 400, answer.text
    assert said in answer.json()["message"]


async def test_reconciliation_takes_a_contributor(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(f"{base}/reconciliation", headers=headers_of("viewer"))

    assert answer.status_code == 403


def test_the_report_is_described_as_it_is_written() -> None:
    report = RunReport(
        tables={"Shop_sales": TableFigures(3)},
        tasks={"match": TaskFigures(0.5, 10)},
        clusters={2: 5},
        quality=Quality(1.0, 1.0, 1.0),
    )

    described = workflow_payloads.RunReport.model_validate(report.document())

    assert described.model_dump(by_alias=True) == report.document()
