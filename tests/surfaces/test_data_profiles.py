"""/dataprofile/{table} and /dataprofile/{table}/{column}."""

import httpx
import pytest

from tests.surfaces.state import NOW_TEXT

QUANTILES = ["p0D1", "p1", "p5", "p25", "p50", "p75", "p95", "p99", "p99D9"]
COLUMN = [
    "valueCounts",
    "histogram",
    "qualifiedEntityName",
    "attributeName",
    "min",
    "max",
    "count",
    "missingCount",
    "errorCount",
    "quantiles",
    "moments",
    "uniqueValueCount",
    "profilingDate",
    "isSuggestedPrimaryKey",
    "checkIfExactStats",
]


async def test_a_table_is_profiled_with_its_columns_where_they_are_asked_for(
    client: httpx.AsyncClient, base: str
) -> None:
    alone = (await client.get(f"{base}/dataprofile/Customer")).json()
    whole = (await client.get(f"{base}/dataprofile/Customer?includeAttributeData=true")).json()
    column = (await client.get(f"{base}/dataprofile/Customer/City")).json()

    assert alone == {
        "qualifiedEntityName": "Customer",
        "rowCount": 20,
        "quarantineRowCount": 0,
        "profilingDate": NOW_TEXT,
        "profiledAttributes": ",".join(profile["attributeName"] for profile in whole["attributeDataProfiles"]),
        "corruptAttributes": "",
        "attributeDataProfiles": [],
    }
    assert column in whole["attributeDataProfiles"]
    assert list(column) == COLUMN


async def test_numbers_have_a_distribution_and_texts_have_none(client: httpx.AsyncClient, base: str) -> None:
    points = (await client.get(f"{base}/dataprofile/Customer/RewardsPoints")).json()
    city = (await client.get(f"{base}/dataprofile/Customer/City")).json()

    assert list(points["quantiles"]) == QUANTILES
    assert list(points["moments"]) == ["mean", "standardDeviation", "variance", "skewness", "kurtosis"]
    assert (points["histogram"][0]["lowerBound"], points["histogram"][-1]["upperBound"]) == (
        points["min"],
        points["max"],
    )
    assert points["count"] - points["missingCount"] == sum(bin_["count"] for bin_ in points["histogram"])
    assert points["checkIfExactStats"]["histogram"] is True
    assert (city["histogram"], city["quantiles"], city["moments"]) == ([], None, None)
    assert city["valueCounts"][0]["count"] >= city["valueCounts"][-1]["count"] >= 1


async def test_a_key_is_suggested_where_no_value_is_missing_or_twice(client: httpx.AsyncClient, base: str) -> None:
    profile = (await client.get(f"{base}/dataprofile/PoS_posPurchases?includeAttributeData=True")).json()

    suggested = [p["attributeName"] for p in profile["attributeDataProfiles"] if p["isSuggestedPrimaryKey"]]
    assert suggested == ["PurchaseId", "ReceiptUrl"]


@pytest.mark.parametrize(
    ("path", "status", "code", "said"),
    [
        ("Custmer", 404, "TableNotFound", "did you mean 'Customer'?"),
        ("Customer/Town", 404, "ColumnNotFound", "Customer has no column 'Town'"),
        ("Customer/city", 404, "ColumnNotFound", "did you mean 'City'?"),
        ("Customer?includeAttributeData=perhaps", 400, "ParameterInvalid", "includeAttributeData"),
    ],
)
async def test_what_cannot_be_profiled_is_refused_by_name(
    client: httpx.AsyncClient, base: str, path: str, status: int, code: str, said: str
) -> None:
    answer = await client.get(f"{base}/dataprofile/{path}")

    assert answer.status_code == status
    assert answer.json()["errorCode"] == code
    assert said in answer.json()["message"]
