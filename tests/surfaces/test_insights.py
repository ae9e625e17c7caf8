"""Segments and measures on the wire."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.conftest import INSTANCE, open_service
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.progress import Silent

CRITERIA = {"attribute": "City", "comparisonOperator": "equals", "value": "Seattle"}


def segment(name: str = "Locals", **more: Any) -> dict[str, Any]:
    return {"name": name, "segmentQueryExpression": {"rowsets": [{"criteria": CRITERIA}]}} | more


def measure(name: str = "Visits", *, operation: str = "count", **more: Any) -> dict[str, Any]:
    definition = {"linkedEntities": [{"entity": "UnifiedActivity"}], "aggregates": [{"operation": operation}]}
    return {"name": name, "definition": definition | more}


async def compute(url: str, times: int = 1) -> None:
    async with open_service(url) as service:
        for _ in range(times):
            await publish.compute_insights(service.store, service.clock, INSTANCE, Silent(), horizon=timedelta(days=7))


async def test_a_definition_comes_back_as_it_was_given(client: httpx.AsyncClient, base: str) -> None:
    rowset = {
        "rowsetId": "6F9619FF-8B86-D011-B42D-00CF4FC964FF",
        "paths": [["Customer.CustomerId"]],
        "criteria": CRITERIA,
    }
    query = {"projectedAttributes": [{"entityName": "Customer", "attributeNames": ["City"]}], "rowsets": [rowset]}
    sent = segment(segmentQueryExpression=query, description="Of here", endDate="2027-01-01T01:00:00+01:00")

    told = (await client.post(f"{base}/manage/segments", json=sent)).json()

    rowsets = told["segmentQueryExpression"]["rowsets"]
    assert told["description"] == "Of here"
    assert told["endDate"] == "2027-01-01T00:00:00Z"
    assert rowsets[0]["rowsetId"] == rowset["rowsetId"]
    assert {name: value for name, value in rowsets[0]["criteria"].items() if value is not None} == CRITERIA
    again = await client.put(f"{base}/manage/segments/Locals", json=told)
    assert again.json()["segmentQueryExpression"] == told["segmentQueryExpression"]


async def test_a_caller_sets_the_state_and_nothing_else_that_the_service_tells(
    client: httpx.AsyncClient, base: str
) -> None:
    told = {"evaluationStatus": {"jobStatus": "Running"}, "version": 7, "createdBy": "me"}

    created = (await client.post(f"{base}/manage/segments", json=segment(state="inactive", **told))).json()
    kept = (await client.put(f"{base}/manage/segments/Locals", json=segment(state="validating"))).json()
    switched = (await client.put(f"{base}/manage/segments/Locals", json=segment(state="active"))).json()

    assert [answer["state"] for answer in (created, kept, switched)] == ["inactive", "inactive", "active"]
    assert [answer["version"] for answer in (created, kept, switched)] == [1, 2, 3]
    assert created["evaluationStatus"]["jobStatus"] == "None"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "name is missing; expected a name."),
        (segment(kind="vip"), "kind is the string 'vip'; expected one of 'default' or 'engagement'."),
        (segment(endDate="soon"), "endDate is the string 'soon'; expected a date-time such as 2026-12-24T18:00:00Z."),
        (segment(colour="red"), "colour is not a key of the contract; expected one of kind, name,"),
        (
            segment(segmentQueryExpression={"rowsets": [{"rowsetId": "1"}]}),
            "segmentQueryExpression.rowsets[0].rowsetId is the string '1'; "
            "expected a UUID such as 6f9619ff-8b86-d011-b42d-00cf4fc964ff.",
        ),
        (
            segment(segmentQueryExpression={"rowsets": [{"criteria": {"operator": "eq"}}]}),
            "segmentQueryExpression.rowsets[0].criteria.operator is not a key of the contract; expected one of kind,",
        ),
    ],
)
async def test_a_body_that_is_no_segment_is_refused(
    client: httpx.AsyncClient, base: str, body: dict[str, Any], message: str
) -> None:
    answer = await client.post(f"{base}/manage/segments", json=body)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "ParameterInvalid")
    assert answer.json()["message"].startswith(message)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "parsingFailed"),
        (b'{"name": "M", "definition": {"aggregates": {}}}', "parsingFailed"),
        (b'{"name": "M"}', "parsingFailed"),
        (b'{"definition": {}}', "parsingFailed"),
        (
            b'{"name": "M", "definition": {"filteringCriteria": {"attribute": "IsMemberOfSegment",'
            b' "comparisonOperator": "equals", "value": "S"}, "aggregates": [{"operation": "count"}]}}',
            "entityNotFound",
        ),
    ],
)
async def test_a_body_that_is_no_measure_is_a_parsing_error(
    client: httpx.AsyncClient, base: str, body: bytes, code: str
) -> None:
    answer = await client.post(f"{base}/manage/measures", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert list(answer.json()) == ["messages", "code"]


async def test_a_circle_through_a_measure_is_an_invalid_operation(client: httpx.AsyncClient, base: str) -> None:
    await client.post(f"{base}/manage/measures", json=measure())
    leaning = {"attribute": "Customer_Measure.Visits", "comparisonOperator": "isNotNull"}
    query = {"rowsets": [{"criteria": leaning}]}
    await client.post(f"{base}/manage/segments", json=segment(segmentQueryExpression=query))
    back = {"attribute": "IsMemberOfSegment", "comparisonOperator": "equals", "value": "Locals"}

    answer = await client.put(f"{base}/manage/measures/Visits", json=measure(filteringCriteria=back))

    assert (answer.status_code, answer.json()["code"]) == (400, "invalidOperation")


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("segments?numberOfSegments=none", "numberOfSegments"),
        ("segments?historicStatsDays=366", "historicStatsDays"),
        ("segments?includeHistoricStats=1", "includeHistoricStats"),
        ("measures?templateSummaryIncluded=x", "templateSummaryIncluded"),
        ("measures/Visits?historicStatsDays=0", "historicStatsDays"),
    ],
)
async def test_a_parameter_of_a_wrong_type_is_refused(
    client: httpx.AsyncClient, base: str, address: str, parameter: str
) -> None:
    answer = await client.get(f"{base}/manage/{address}")

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{parameter} is")


async def test_names_with_slashes_reach_the_operation(client: httpx.AsyncClient, base: str) -> None:
    for spelling in ("a/b", "a%2Fb"):
        assert (await client.put(f"{base}/manage/segments/{spelling}/activate")).json()["errorCode"] == (
            "DefinitionNotFound"
        )
        assert (await client.delete(f"{base}/manage/segments/{spelling}")).status_code == 400
        assert (await client.delete(f"{base}/manage/measures/{spelling}")).status_code == 404


async def test_failures_are_told_with_their_number(client: httpx.AsyncClient, base: str, sqlite_url: str) -> None:
    await client.post(f"{base}/manage/measures", json=measure())
    await client.post(f"{base}/manage/segments", json=segment(kind="engagement"))
    await compute(sqlite_url)
    never_computed = {"rowsets": [{"criteria": CRITERIA}], "hierarchies": [{}]}
    await client.post(f"{base}/manage/segments", json=segment("Family", segmentQueryExpression=never_computed))
    await client.put(f"{base}/manage/measures/Visits", json=measure(operation="argMax"))
    await compute(sqlite_url, times=2)

    told = (await client.get(f"{base}/manage/measures/Visits?includeHistoricStats=true")).json()
    segments = (await client.get(f"{base}/manage/segments?includeHistoricStats=true")).json()

    reason = "It is kept and not computed: definition.aggregates[0] is argMax."
    assert told["latestEvaluation"]["state"] == "failed"
    assert told["latestEvaluation"]["lastSuccessfulRunId"] == told["evaluationHistory"][-1]["lastSuccessfulRunId"]
    assert told["latestEvaluation"]["error"] == told["errorDescription"]["value"] == reason
    assert told["evaluationStats"]["consecutiveFailureCount"] == 2
    assert [one["state"] for one in told["evaluationHistory"]] == ["failed", "failed", "completed"]
    assert told["outputHistory"] == []
    [family, locals_] = segments[:2]
    assert family["state"] == locals_["state"] == "invalid"
    assert family["errorDescription"].endswith("segmentQueryExpression.hierarchies name hierarchies.")
    assert locals_["evaluationStatus"]["jobStatus"] == "CompletedFailure"
    assert locals_["evaluationStatus"]["error"]["value"] == locals_["errorDescription"]
    assert len(locals_["evaluationStatusHistory"]) == 3


async def test_a_segment_that_cannot_be_computed_is_not_qualified_before_any_evaluation(
    client: httpx.AsyncClient, base: str
) -> None:
    told = (await client.post(f"{base}/manage/segments", json=segment(kind="engagement"))).json()

    assert (told["kind"], told["state"], told["evaluationStatus"]["jobStatus"]) == (
        "engagement",
        "invalid",
        "NotQualified",
    )
    asked = await client.get(f"{base}/data/Customer", params={"$filter": "IsMemberOfSegment('Locals')"})
    assert asked.json()["errorCode"] == "UnknownSegment"


async def test_what_nobody_computed_has_no_failures(client: httpx.AsyncClient, base: str) -> None:
    told = (await client.post(f"{base}/manage/measures", json=measure())).json()

    assert told["latestEvaluation"] == {"lastSuccessfulRunId": None, "state": "none", "endTime": None, "error": None}
    assert told["evaluationStats"] == {"lastSuccessful": None, "consecutiveFailureCount": 0}
