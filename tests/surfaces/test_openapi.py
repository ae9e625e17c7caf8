"""What the service answers is what its OpenAPI document says, whatever is sent (schemathesis)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.python import asgi
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks

from tests.conftest import INSTANCE, IS_THOROUGH, headers_of
from tests.surfaces.state import activity, purchase
from tests.surfaces.test_instances import request as instance
from tests.surfaces.test_relationships import CHAINS, SHOPS
from tests.surfaces.test_search_configuration import attribute, configuration
from topcoat import sample
from topcoat.app import create_app
from topcoat.settings import Settings

load_all_checks()

EXAMPLES_MAX = 1000 if IS_THOROUGH else 25
# What is not built is refused with 501; every other 5xx would be a defect of ours.
CONFIGURATION = {"checks": {"not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", 501]}}}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

LOCKING_OUT = ("/assignment", "/subscriptionkeys")
TABLES = ["Customer", "UnifiedActivity", "Customer_Measure", "PoS_posPurchases", "LoyaltyScheme_loyCustomers"]
ABBIE = f"Customer('{sample.ABBIE_MOSS_ID}')"
MEANINGFUL_IN_PATHS: dict[str, list[str]] = {
    "instanceId": [INSTANCE],
    "tableName": TABLES,
    "entityName": ["UnifiedActivity", "PoS_posPurchases", "Customer"],
    "entityId": [sample.ABBIE_MOSS_ID, "nobody"],
    "sequence": ["1", "2", "3"],
    "workflowName": ["main"],
    "relationshipName": ["Shops", "UnifiedActivity_Customer"],
    "hierarchyId": ["Chains"],
    "principalId": ["ada", "topcoat-viewer", "topcoat-owner"],
    "keyName": ["primary", "secondary"],
    "relativePath": [
        *TABLES,
        *(f"{table}/$count" for table in TABLES),
        ABBIE,
        f"{ABBIE}/UnifiedActivity",
        f"{ABBIE}/Customer_Measure",
        f"{ABBIE}/UnifiedActivity/$count",
        "Customer?$top=3",
    ],
}
MEANINGFUL_IN_QUERIES: dict[str, list[str]] = {
    "$filter": [
        "City eq 'Seattle' or RewardsPoints gt 100",
        "ActivityTime gt 2026-01-01T00:00:00Z",
        "contains(tolower(FullName),'a') and not (DateOfBirth eq null)",
        "IsMemberOfSegment('HighValue')",
    ],
    "$select": ["CustomerId", "CustomerId,ActivityTime", "*"],
    "$orderby": ["City desc,CustomerId", "ActivityTime", "LifetimeSpend desc"],
    "$top": ["0", "1", "1000"],
    "$skip": ["0", "7"],
    "$count": ["true", "false"],
    "$expand": ["UnifiedActivity,Customer_Measure", "UnifiedActivity($top=2;$count=true)"],
    "$search": ["abbie", '"Abbie Moss" OR seattle'],
    "asOf": ["2026-11-24T12:00:00Z", "2020-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
    "explain": ["true", "false"],
    "validUntil": ["2026-11-25T12:00:00Z", "2026-11-24T12:00:00Z"],
    "dataSourceName": ["LoyaltyScheme"],
    "entityName": ["loyCustomers"],
    "key": ["LOYID_1001"],
    "customerId": [sample.ABBIE_MOSS_ID],
}
SCHEDULES = [
    {
        "cronSchedules": ["0 6 * * *"],
        "timezoneId": "Pacific Standard Time",
        "isActive": False,
        "scheduleId": str(UUID(int=1)),
    },
    {"cronSchedules": ["0 0 30 2 *"]},
    {"cronSchedules": ["0 6 * * *"], "operationType": "export"},
]
# By the table that is written to, or by the path where there is none.


def segment(column: str, name: str = "Locals") -> dict[str, Any]:
    criteria = {"attribute": column, "comparisonOperator": "equals", "value": "Seattle"}
    return {"name": name, "segmentQueryExpression": {"rowsets": [{"criteria": criteria}]}}


def measure(column: str, name: str = "ShopSpend") -> dict[str, Any]:
    definition = {
        "linkedEntities": [{"entity": "PoS_posPurchases"}],
        "aggregates": [{"operation": "sum", "field": column}],
    }
    return {"name": name, "definition": definition}


SEGMENTS = [segment("City"), segment("Town"), segment("City", "HighValue"), {"name": "a-b"}, {"name": "x", "state": 1}]
MEASURES = [measure("TotalAmount"), measure("Nothing"), measure("TotalAmount", "LifetimeSpend"), {"definition": {}}]
MEANINGFUL_BODIES: dict[str, list[Any]] = {
    "UnifiedActivity": [activity(sample.ABBIE_MOSS_ID), activity("nobody"), {}],
    "PoS_posPurchases": [purchase("LOYID_1001"), purchase("LOYID_0", PurchaseId="P-2"), {"PurchaseId": 7}],
    "Customer": [{"City": "Paris", "RewardsPoints": 7}, {"CustomerId": "x"}, {"RewardsPoints": "many"}, {"Town": ""}],
    "/_topcoat/clock": [{"advance": "PT1S"}, {"freeze": True}, {"set": "2026-12-24T00:00:00Z"}, {"resume": True}],
    "/api/instances/{instanceId}/rbac/principals/{principalId}/assignment": [
        {"roles": ["Viewer"]},
        {"roles": ["Admin", "Owner"], "principalType": "group"},
        {"roles": ["Boss"]},
    ],
    "/api/instances/{instanceId}/workflows/{workflowName}/jobs": [
        {},
        {"operationType": "search", "jobType": "incremental"},
        {"operationType": "ingestion", "identifiers": ["PoS"]},
        {"operationType": "export"},
        {"inputRefreshMode": "Sometimes"},
    ],
    "/api/instances/{instanceId}/workflows/{workflowName}/schedules": SCHEDULES,
    "/api/instances/{instanceId}/workflows/{workflowName}/schedules/batch": [SCHEDULES[:1], [], SCHEDULES, {}],
    "/api/instances/{instanceId}/manage/subscriptionkeys": [{"isEnabled": True}, {"isEnabled": 1}],
    "/api/instances/{instanceId}/manage/segments": SEGMENTS,
    "/api/instances/{instanceId}/manage/segments/{segmentName}": SEGMENTS,
    "/api/instances/{instanceId}/manage/measures": MEASURES,
    "/api/instances/{instanceId}/manage/measures/{measureName}": MEASURES,
    "/api/instances/{instanceId}/manage/search": [
        configuration(attribute("City", isSearchable=True, isFilterable=True)),
        configuration(attribute("RewardsPoints", isSortable=True), attribute("FullName", isSearchable=True)),
        configuration(attribute("RewardsPoints", isSearchable=True)),
        configuration(attribute("Town"), table="Nope"),
        {"entityConfig": []},
    ],
    "/api/instances/{instanceId}/manage/relationships": [SHOPS, SHOPS | {"toAttributeName": "Town"}],
    "/api/instances/{instanceId}/manage/relationships/{relationshipName}": [SHOPS, SHOPS | {"name": "Other"}],
    "/api/instances/{instanceId}/hierarchies": [CHAINS, {"name": "Chains"}],
    "/api/instances/{instanceId}/hierarchies/{hierarchyId}": [{"displayName": "Shops"}, {"dependency": {}}, CHAINS],
    "/api/instances/V2": [instance("Another"), instance("Contoso Coffee"), instance("Third", isB2B=True)],
    "/api/instances/copy": [
        instance("Copy") | {"instanceIdToCopy": INSTANCE},
        instance("Nobody's") | {"instanceIdToCopy": INSTANCE[:-1] + "9"},
    ],
    "/api/instances/{instanceId}/V2": [instance("Contoso Coffee", instanceType="trial"), instance("")],
}


def document_of(app: FastAPI) -> list[tuple[str, str]]:
    """Paths and methods."""
    return [(path, method) for path, methods in app.openapi()["paths"].items() for method in methods]


def operations() -> list[Any]:
    app = create_app(Settings(database_url="sqlite:///unused.db"))
    return [pytest.param(*operation, id=" ".join(reversed(operation))) for operation in document_of(app)]


@pytest.fixture(scope="module")
def documented(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The document of a service in process, on a database of this module."""
    yield document_of_service(tmp_path_factory.mktemp("openapi"), sqlite_template)
    asgi.shutdown_lifespans()


@pytest.fixture
def documented_alone(documented: BaseSchema, sqlite_template: Path, tmp_path: Path) -> BaseSchema:
    """Of a service whose callers may lose their roles and keys."""
    return document_of_service(tmp_path, sqlite_template)


def document_of_service(home: Path, template: Path) -> BaseSchema:
    (home / "topcoat.db").write_bytes(template.read_bytes())
    app = create_app(Settings(home=home, database_url=f"sqlite:///{home / 'topcoat.db'}"))
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIGURATION))


@st.composite
def cases(draw: st.DrawFn, operation: APIOperation) -> Case:
    """Made up by the document, half of them to be invalid; then half of them ask for what the sample has."""
    given = {"instanceId": INSTANCE} if len(operation.path_parameters) > 0 else None
    case = draw(operation.as_strategy(draw(st.sampled_from(GenerationMode)), path_parameters=given))
    if draw(st.booleans()):
        return case
    case.path_parameters = {p.name: draw(_meant(MEANINGFUL_IN_PATHS, p.name)) for p in operation.path_parameters}
    wanted = draw(st.sets(st.sampled_from(list(MEANINGFUL_IN_QUERIES)), max_size=3))
    query = [p for p in operation.query if p.is_required or p.name in wanted]
    case.query = {p.name: draw(_meant(MEANINGFUL_IN_QUERIES, p.name)) for p in query}
    meant = MEANINGFUL_BODIES.get(case.path_parameters.get("entityName", operation.path))
    if operation.body and meant is not None:
        case.body = draw(st.sampled_from(meant))
    return case


def _meant(choices: dict[str, list[str]], name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(choices.get(name, ["true"]))


@pytest.mark.unmeasured
@pytest.mark.parametrize(("path", "method"), operations())
def test_every_answer_is_one_that_the_openapi_document_knows(
    request: pytest.FixtureRequest, path: str, method: str
) -> None:
    is_alone = any(part in path for part in LOCKING_OUT)
    documented: BaseSchema = request.getfixturevalue("documented_alone" if is_alone else "documented")

    @settings(max_examples=EXAMPLES_MAX)
    @given(case=cases(documented[path][method]))
    def answers_as_documented(case: Case) -> None:
        case.call_and_validate(headers=headers_of("administrator"), checks=CHECKS)

    answers_as_documented()
