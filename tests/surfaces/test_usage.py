"""GET manage/apiusage and GET /metrics."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.surfaces.state import activity
from topcoat.core import errors
from topcoat.flows.usage import Usage

AsRole = Callable[[str], dict[str, str]]


async def usage(client: httpx.AsyncClient, base: str, as_role: AsRole, **parameters: str) -> dict[str, Any]:
    answer = await client.get(f"{base}/manage/apiusage", params=parameters, headers=as_role("administrator"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_usage_tells_what_was_called_by_whom_and_how_it_ended(
    client: httpx.AsyncClient, base: str, abbie: str, as_role: AsRole
) -> None:
    posted = await client.post(f"{base}/data/UnifiedActivity?caller=till", json=activity(abbie))
    await client.post(f"{base}/data/UnifiedActivity?caller=till", json=activity(abbie))
    read = await client.get(f"{base}/data/Customer('{abbie}')")
    await client.get(f"{base}/data/Nonsense")
    await client.get(f"{base}/data/Customer", headers={"Authorization": "Bearer nobody"})
    await client.get(f"{base}/manage/tables/Customer")

    found = await usage(client, base, as_role, groupBy="operation,table,caller,status,errorCode")

    rows = [[row[name] for name in found["groupBy"]] for row in found["value"]]
    assert sorted(rows) == [
        ["Create-an-entity", "UnifiedActivity", "till", 201, ""],
        ["Create-an-entity", "UnifiedActivity", "till", 409, "ActivityExists"],
        ["Get-entities-with-OData-path", "", "", 401, "NotAuthenticated"],
        ["Get-entities-with-OData-path", "", "topcoat-contributor", 404, "TableNotFound"],
        ["Get-entities-with-OData-path", "Customer", "topcoat-contributor", 200, ""],
        ["Get-entity-metadata", "Customer", "topcoat-contributor", 200, ""],
    ]
    created = next(row for row in found["value"] if row["status"] == 201)
    assert created["calls"] == 1
    assert created["bytesIn"] == len(posted.request.content)
    assert created["bytesOut"] == len(posted.content)
    assert created["result"] is None
    one = next(row for row in found["value"] if row["status"] == 200 and row["operation"].endswith("OData-path"))
    assert (one["bytesIn"], one["bytesOut"]) == (0, len(read.content))
    assert found["total"]["calls"] == 6
    assert found["hasMore"] is False


async def test_usage_is_grouped_by_operation_unless_something_else_is_asked_for(
    client: httpx.AsyncClient, base: str, as_role: AsRole
) -> None:
    await client.get(f"{base}/data/Customer")
    await client.get(f"{base}/data/Nonsense")

    by_operation = await usage(client, base, as_role)
    by_result = await usage(client, base, as_role, groupBy="result")

    assert [(row["operation"], row["calls"]) for row in by_operation["value"]] == [("Get-entities-with-OData-path", 2)]
    assert {row["result"]: row["calls"] for row in by_result["value"]} == {"2xx": 2, "4xx": 1}


@pytest.mark.parametrize(
    ("parameters", "target"),
    [
        ({"groupBy": "weekday"}, "groupBy"),
        ({"groupBy": "operation,operation"}, "groupBy"),
        ({"groupBy": ""}, "groupBy"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-11-25"}, "to"),
        ({"from": "2020-01-01T00:00:00Z"}, "from"),
        ({"from": "2026-11-25T10:00:00Z", "to": "2026-11-25T09:00:00Z"}, "from"),
    ],
)
async def test_a_question_about_usage_that_is_none_is_400(
    client: httpx.AsyncClient, base: str, as_role: AsRole, parameters: dict[str, str], target: str
) -> None:
    answer = await client.get(f"{base}/manage/apiusage", params=parameters, headers=as_role("administrator"))

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "ParameterInvalid"
    assert f"{target} is" in answer.json()["message"]


async def test_metrics_without_a_database_are_503(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: Usage) -> None:
        raise errors.StoreUnreachable(reason="gone")

    monkeypatch.setattr(Usage, "save", fail)

    answer = await client.get("/metrics")

    assert answer.status_code == 503
    assert answer.json()["errorCode"] == "StoreUnreachable"
    assert answer.headers["retry-after"] == "1"


async def test_metrics_need_no_sign_in_and_name_no_caller(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    await client.patch(f"{base}/data/Customer/{abbie}?caller=somebody", json={"City": "Paris"})
    await client.get(f"{base}/data/Customer('{abbie}')")
    client.headers.pop("Authorization")
    client.headers.pop("Ocp-Apim-Subscription-Key")

    answer = await client.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    for secret in ("somebody", "topcoat-contributor", abbie, "Paris"):
        assert secret not in answer.text
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["topcoat_calls_total", "", "204", "Update-an-entity"] == 1
    assert samples["topcoat_writes_total", "change"] == 1
    assert samples["topcoat_batches_total",] == 1
    assert samples["topcoat_refreshes_total",] == 1
    assert samples["topcoat_call_seconds_bucket", "+Inf", "Update-an-entity"] == 1
    assert samples["topcoat_call_seconds_count", "Update-an-entity"] == 1
    assert samples["topcoat_unlapsed_changes", base.rpartition("/")[2]] == 1
    assert samples["topcoat_generation", base.rpartition("/")[2]] == 1
    assert samples["topcoat_generation_age_seconds", base.rpartition("/")[2]] == 0
