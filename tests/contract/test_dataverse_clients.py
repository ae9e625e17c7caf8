"""What clients that others publish get through the Dataverse Web API, over https and with tokens of the tenant."""

from typing import Any

import pytest

from tests.contract import dataverse, environments
from tests.contract.conftest import shared_by_workers
from tests.contract.dataverse import Dataverse
from tests.contract.installation import PROJECT, SAMPLE_SIZE, Installation

HERE = PROJECT / "tests" / "contract"
PROFILES, ACTIVITIES = "msdynci_customerprofiles", "msdynci_unifiedactivities"
PROFILE, ACTIVITY = "msdynci_customerprofile", "msdynci_unifiedactivity"
PROFILE_ID, ID, NAME, CITY = f"{PROFILE}id", "msdynci_customerid", "msdynci_fullname", "msdynci_city"
RELATED = "msdynci_customer_unifiedactivity"
DENIED, INVALID, NO_RECORD, NO_SEGMENT = "0x80040220", "0x80060888", "0x80040217", "0x8006088a"


@pytest.fixture(scope="module")
def kind() -> str:
    """One is enough: what differs by database is not seen from so far out."""
    return "sqlite"


@pytest.fixture(scope="module")
def services(installation: Installation) -> Dataverse:
    return dataverse.serve(installation)


@pytest.fixture(scope="module")
def sdk(services: Dataverse, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the vendor's Python SDK got."""
    python = environments.python_of_clients(shared_by_workers(tmp_path_factory))
    return services.drive([python, "-W", "ignore", HERE / "sdk_client.py"])


@pytest.fixture(scope="module", params=["sync", "aio"])
def got(sdk: Any, request: pytest.FixtureRequest) -> Any:
    """What either of its two clients got."""
    return sdk[request.param]


@pytest.fixture(scope="module")
def node(services: Dataverse, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What dynamics-web-api got."""
    modules = environments.node_modules(shared_by_workers(tmp_path_factory))
    return services.drive(["node", HERE / "node_client.cjs"], NODE_PATH=str(modules))


@pytest.fixture(scope="module")
def reflected(services: Dataverse, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What python-odata got."""
    python = environments.python_of_clients(shared_by_workers(tmp_path_factory))
    return services.drive([python, "-W", "ignore", HERE / "reflecting_client.py"])


def names(services: Dataverse) -> list[str]:
    return [row["FullName"] for row in services.rest("Customer", select="FullName", orderby="FullName desc")]


def ids(services: Dataverse, condition: str) -> list[str]:
    found = services.rest("Customer", select="CustomerId", filter=condition, orderby="CustomerId")
    return [row["CustomerId"] for row in found]


# The vendor's Python SDK for Dataverse, by both of its clients.

CONDITIONS = {
    "eq": "City eq 'Seattle'",
    "in": "City in ('Seattle','Toronto')",
    "not in": "not (City in ('Seattle','Toronto'))",
    "in numbers": "RewardsPoints in (899,0,12)",
    "quote": "LastName eq 'O''Brien'",
    "like": "startswith(FullName,'A')",
    "not like": "not contains(tolower(FullName),'o')",
    "like within": "contains(tolower(FullName),'an')",
    "contains": "contains(tolower(FullName),'an')",
    "endswith": "endswith(EMail,'contoso.com')",
    "between": "RewardsPoints ge 100 and RewardsPoints le 900",
    "not between": "not (RewardsPoints ge 100 and RewardsPoints le 900)",
    "instant": "CustomerSince ge 2022-01-01T12:30:00Z",
    "naive": "CustomerSince lt 2022-01-01T12:30:00Z",
    "microseconds": "CustomerSince gt 2022-01-01T12:30:00.123456Z",
    "date": "DateOfBirth lt 1980-01-01",
    "null": "LoyaltyTier eq null",
    "not null": "LoyaltyTier ne null",
    "boolean": "EmailOptIn eq true",
    "and or not": "(LoyaltyTier eq 'Gold' or RewardsPoints gt 500) and not (City eq 'Seattle')",
    "own function": "startswith(FullName,'Ge')",
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_sdks_conditions_find_what_the_rest_api_finds(services: Dataverse, got: Any, name: str) -> None:
    found = got["queries"]["conditions"][name]

    assert found == ids(services, CONDITIONS[name])
    assert 0 < len(found) < SAMPLE_SIZE


def test_the_sdk_retrieves_one_record(services: Dataverse, got: Any) -> None:
    records, abbie = got["records"], services.given["abbie_guid"]

    assert records["one"] == {PROFILE_ID: abbie, NAME: "Abbie Moss", CITY: "Seattle"}
    assert records["by key"] == {PROFILE_ID: abbie, NAME: "Abbie Moss"}
    assert records["nobody"] is None
    assert records["etag"].startswith('W/"')
    assert records["expanded"]["msdynci_lookupfield_customer"][NAME] == "Abbie Moss"
    assert any(name.endswith("@OData.Community.Display.V1.FormattedValue") for name in records["annotated"])


def test_the_sdk_lists_records_by_pages(services: Dataverse, got: Any) -> None:
    records, queries = got["records"], got["queries"]

    assert [row[NAME] for row in records["list"]] == names(services)
    assert [len(page) for page in records["pages"]] == [7, 7, 3]
    assert [row for page in records["pages"] for row in page] == records["list"][:17]
    assert {row[NAME] for row in records["filtered"]} == {"Dana O'Brien", "George O'Brien"}
    assert queries["pages"] == [9, 9, 9, 3]
    assert queries["top over pages"] == 11
    assert queries["dataframe"] == [[5, 3], [PROFILE_ID, ID, NAME]]


def test_the_sdks_older_ways_to_read_work_too(sdk: Any) -> None:
    assert sdk["sync"]["dataframe"] == [4, 2]
    assert sdk["sync"]["pages by get"] == [20, 10]


def test_the_sdk_expands_what_belongs_to_a_profile(services: Dataverse, got: Any) -> None:
    (profile,) = got["queries"]["expanded"]
    newest = services.rest(
        "UnifiedActivity", filter=f"CustomerId eq '{services.given['abbie']}'", orderby="ActivityTime desc", top=2
    )

    assert [row["msdynci_activitytime"] for row in profile[RELATED]] == [row["ActivityTime"] for row in newest]
    assert [row["msdynci_activitytype"] for row in profile[RELATED]] == [row["ActivityType"] for row in newest]


def test_the_sdk_asks_by_lookups_and_for_annotations(services: Dataverse, got: Any) -> None:
    own = services.rest("UnifiedActivity", filter=f"CustomerId eq '{services.given['abbie']}'")
    ((name, value), *_) = [item for item in got["queries"]["formatted"][0].items() if "lookuplogicalname" in item[0]]

    assert got["queries"]["by lookup"] == got["queries"]["by negated lookup"] == len(own)
    assert (name.partition("@")[0], value) == ("_msdynci_lookupfield_customer_value", PROFILE)


TABLES = ["alternatekey", "customermeasure", "customerprofile", "enrichment", "prediction", "segmentmembership"]
SETS = sorted([ACTIVITIES, *(f"msdynci_{name}s" for name in TABLES)])


def test_the_sdk_finds_tables(got: Any) -> None:
    tables = got["tables"]

    assert sorted(tables["all"]) == sorted([ACTIVITY, *(f"msdynci_{name}" for name in TABLES)])
    assert tables["one"]["entity_set_name"] == PROFILES
    assert tables["one"]["primary_id_attribute"] == PROFILE_ID
    assert [table["LogicalName"] for table in tables["chosen"]] == [ACTIVITY]
    assert tables["none"] is None
    assert tables["unknown"]["type"] == "MetadataError"


def test_the_sdk_finds_columns(got: Any) -> None:
    tables = got["tables"]
    typed = {column["LogicalName"]: column for column in tables["typed"]}

    assert tables["columns"]["msdynci_activitytime"] == "DateTime"
    assert {name: column["AttributeType"] for name, column in typed.items()} == tables["columns"]
    assert typed["msdynci_title"]["MaxLength"] == 4000
    assert typed["ttlinseconds"]["@odata.type"] == "#Microsoft.Dynamics.CRM.IntegerAttributeMetadata"
    assert CITY in tables["strings"]
    assert "msdynci_totalspend" not in tables["strings"]
    assert (tables["column"], tables["no column"]) == ("String", None)
    assert {"msdynci_title", "ttlinseconds"} <= set(tables["for sql"])


def test_the_sdk_finds_relationships_and_keys(got: Any) -> None:
    tables = got["tables"]

    assert tables["related"] == [RELATED]
    assert sorted(tables["relationships"]) == sorted(
        [RELATED, *(f"msdynci_customer_{name}" for name in TABLES if name != "customerprofile")]
    )
    assert tables["relationship"]["referencing_entity"] == ACTIVITY
    assert [one["nav_property"] for one in tables["expands"]] == ["msdynci_lookupfield_customer"]
    assert [ID] in tables["keys"].values()


def test_the_sdk_reads_in_a_batch(got: Any) -> None:
    going_on = got["batch"]["going on"]
    several, missing, one, table = going_on

    assert [part["status_code"] for part in going_on] == [200, 404, 200, 200]
    assert [row[NAME] for row in several["data"]["value"]] == ["Abbie Moss"]
    assert one["data"][CITY] == "Seattle"
    assert table["data"]["value"][0]["EntitySetName"] == PROFILES
    assert missing["error_code"] == NO_RECORD
    assert got["batch"]["stopping"] == [404]


def test_the_sdk_understands_what_was_wrong(got: Any) -> None:
    wrong = got["wrong"]

    assert {name: (error["type"], error["status"], error["code"]) for name, error in wrong.items()} == {
        "column": ("HttpError", 400, INVALID),
        "filter": ("HttpError", 400, INVALID),
        "sql": ("HttpError", 501, INVALID),
        "fetchxml": ("HttpError", 501, INVALID),
    }
    assert "Could not find a property named 'msdynci_nix'" in wrong["column"]["said"]
    assert all(error["has_request_id"] for error in wrong.values())


def test_a_service_without_writes_refuses_each_of_the_sdks(got: Any) -> None:
    refused = dict(got["refused"])
    (in_changeset,) = refused.pop("changeset")
    of_definitions = refused.pop("column")

    assert {(error["status"], error["code"]) for error in refused.values()} == {(403, DENIED)}
    assert all("--dataverse-writes" in error["said"] for error in refused.values())
    assert of_definitions["status"] == 405
    assert (in_changeset["status_code"], in_changeset["error_code"]) == (403, DENIED)


def test_a_service_with_writes_takes_the_sdks(services: Dataverse, sdk: Any, got: Any) -> None:
    written, place = got["written"], 0 if got is sdk["sync"] else 1
    customer = services.given["customers"][place]

    assert (written["created"]["msdynci_title"], written["created"]["ttlinseconds"]) == ("Ø'1", 600)
    assert written["several"] == [customer["id"]] * 2
    assert written["updated"] == {
        PROFILE_ID: customer["guid"],
        "msdynci_addressline1": "Rua São João 1",
        "ttlinseconds": 4 * 3600,
    }
    assert written["in the end"] == {
        PROFILE_ID: customer["guid"],
        "msdynci_addressline1": "Jirón 2",
        "msdynci_postalcode": "LIMA 1",
        "msdynci_country": "Peru",
    }
    assert (written["changeset"], written["by changeset"]) == ([204, 204], "by changeset")
    assert (written["unknown column"]["status"], written["nobody"]["status"]) == (400, 404)


def test_the_sdk_finds_an_instance_at_its_own_address(sdk: Any) -> None:
    assert sdk["by instance"] == [20, 10]


def test_tokens_that_are_not_good_are_refused_in_the_envelope(sdk: Any) -> None:
    told = {name: (error["status"], error["said"].partition(". ")[0]) for name, error in sdk["tokens"].items()}

    assert told == {
        "expired": (401, "The bearer token has expired"),
        "foreign": (401, "The bearer token has a signature that does not fit"),
        "damaged": (401, "The bearer token has a signature that does not fit"),
    }


def test_what_the_rest_client_writes_the_sdk_reads_until_it_lapses(sdk: Any) -> None:
    told = sdk["story"]
    (city, none), written = told["before"], told["during"]

    assert (none, written) == (0, ["Paris", 1])
    assert told["after four hours"] == [city, 1]
    assert told["after thirty days"] == [city, 0]


# dynamics-web-api, under node.


def test_node_retrieves_one_record(services: Dataverse, node: Any) -> None:
    read, given = node["read"], services.given
    ways = ("one", "key", "partition", "navigation")

    assert {read[way][PROFILE_ID] for way in ways} == {given["abbie_guid"]}
    assert {read[way][NAME] for way in ways} == {"Abbie Moss"}
    assert [row["msdynci_activitytime"] for row in read["one"][RELATED]] == [
        "2024-04-05T01:51:24.000Z",
        "2023-12-08T08:54:37.000Z",
    ]
    assert read["value"]["value"] == "Seattle"
    assert (read["unchanged"], read["changed"]) == (None, "Abbie Moss")


def test_node_retrieves_several(services: Dataverse, node: Any) -> None:
    read, everyone = node["read"], names(services)

    assert [row[NAME] for row in read["page"]["value"] + read["next"]["value"]] == everyone[:14]
    assert read["all"] == everyone
    assert read["page"]["oDataCount"] == SAMPLE_SIZE
    assert read["page"]["@Microsoft.Dynamics.CRM.totalrecordcount"] == SAMPLE_SIZE
    assert [row["msdynci_lookupfield_customer"][NAME] for row in read["own"]["value"]] == ["Abbie Moss"] * 2
    assert [row[NAME] for row in read["aliased"]] == ["Abbie Moss"]
    assert (len(read["tracked"]["value"]), "oDataDeltaLink" in read["tracked"]) == (1, False)


def test_node_counts(services: Dataverse, node: Any) -> None:
    some = len(ids(services, "startswith(FullName,'A')"))

    assert [node["read"][name] for name in ("count", "countOfSome", "countAll")] == [SAMPLE_SIZE, some, some]


def test_node_finds_an_instance_at_its_own_address(node: Any) -> None:
    assert node["byInstance"] == SAMPLE_SIZE


def test_node_reads_metadata(node: Any) -> None:
    described = node["described"]

    assert sorted(entity["EntitySetName"] for entity in described["entities"]) == SETS
    assert sorted(described["sets"]) == SETS
    assert described["csdl"].startswith("<?xml")
    assert described["entity"]["PrimaryIdAttribute"] == f"{ACTIVITY}id"
    assert "msdynci_semanticdata" in described["entity"]["Attributes"]
    assert (described["strings"]["msdynci_title"], described["strings"][ID]) == (4000, 100)
    assert described["attribute"]["AttributeType"] == "String"
    assert RELATED in described["relationships"]
    assert described["optionSets"] == []
    assert described["named"] == 3


def test_node_is_told_who_it_is(node: Any) -> None:
    told = node["described"]["whoAmI"]

    assert {"BusinessUnitId", "UserId", "OrganizationId"} <= told.keys()
    assert node["batch"]["user"] == told["UserId"]


def test_node_reads_in_a_batch(node: Any) -> None:
    batch = node["batch"]

    assert (batch["one"][CITY], batch["several"][0][NAME], batch["count"]) == ("Seattle", "Abbie Moss", SAMPLE_SIZE)
    assert (batch["missing"]["status"], batch["missing"]["code"]) == (404, NO_RECORD)
    assert batch["stopping"] == [batch["missing"]]


def test_node_understands_what_is_refused(node: Any) -> None:
    refused = dict(node["refused"])
    (in_batch,) = refused.pop("batch")

    assert {name: (error["status"], error["code"]) for name, error in refused.items()} == {
        "create": (403, DENIED),
        "update": (403, DENIED),
        "upsert": (403, DENIED),
        "property": (403, DENIED),
        "delete": (403, DENIED),
        "action": (403, DENIED),
        "entity": (405, INVALID),
        "column": (400, INVALID),
        "nobody": (404, NO_RECORD),
        "set": (404, NO_SEGMENT),
        "fetch": (501, INVALID),
        "apply": (501, INVALID),
        "associate": (403, DENIED),
        "column_of_row": (403, DENIED),
        "saved": (501, INVALID),
        "search": (404, ""),
    }
    assert (in_batch["status"], in_batch["code"]) == (403, DENIED)
    assert all(error["message"].endswith(("Exist", ".")) for error in refused.values())


def test_node_writes(node: Any) -> None:
    written = node["written"]

    assert written["created"]["msdynci_title"] == "Ünïcode"
    assert (written["returned"]["msdynci_activitytype"], written["returned"]["ttlinseconds"]) == ("Call", 60)
    assert (written["updated"], written["isUpserted"], written["isBatchUpdated"]) == (True, True, True)
    assert [written["profile"][f"msdynci_{name}"] for name in ("addressline1", "country", "postalcode")] == [
        "Calle 1",
        "Ecuador",
        "QUITO 1",
    ]
    assert written["inBatch"]["msdynci_title"] == "in a batch"


# python-odata.


def test_python_odata_reflects_the_tables(reflected: Any) -> None:
    profile, activity = reflected["profile"], reflected["activity"]

    assert reflected["sets"] == SETS
    assert profile[PROFILE_ID] == "UUIDProperty"
    assert profile["msdynci_totalspend"] == "DecimalProperty"
    assert profile["msdynci_emailoptin"] == "BooleanProperty"
    assert profile["msdynci_rewardspoints"] == "IntegerProperty"
    assert profile["msdynci_customersince"] == "DatetimeProperty"
    assert profile[RELATED] == activity["msdynci_lookupfield_customer"] == "NavigationProperty"


REFLECTED_CONDITIONS = {
    "eq": "City eq 'Seattle'",
    "contains": "contains(tolower(FullName),'an')",
    "lacks": "not contains(tolower(FullName),'an')",
    "naive": "CustomerSince ge 2022-01-01T12:30:00Z",
    "aware": "CustomerSince ge 2022-01-01T12:30:00Z",
    "date": "DateOfBirth lt 1980-01-01",
    "startswith": "startswith(FullName,'Ge')",
    "boolean": "EmailOptIn eq true",
    "decimal": "TotalSpend gt 100",
    "null": "LoyaltyTier eq null",
    "or": "LoyaltyTier eq 'Gold' or RewardsPoints gt 500",
}


@pytest.mark.parametrize("name", REFLECTED_CONDITIONS)
def test_python_odatas_conditions_find_what_the_rest_api_finds(services: Dataverse, reflected: Any, name: str) -> None:
    found = reflected["conditions"][name]

    assert found == ids(services, REFLECTED_CONDITIONS[name])
    assert 0 < len(found) < SAMPLE_SIZE


def test_python_odata_reads_records(services: Dataverse, reflected: Any) -> None:
    assert reflected["all"] == ids(services, "CustomerId ne null")
    assert reflected["one"] == ["Abbie Moss", "657.25", "2021-03-14T16:20:00+00:00"]
    assert [row.keys() >= {PROFILE_ID, NAME} for row in reflected["selected"]] == [True, True]
    assert reflected["count"] == [SAMPLE_SIZE, len(ids(services, "City eq 'Seattle'"))]
    assert reflected["unknown"]["type"] == "NoResultsFound"


def test_python_odata_goes_from_record_to_record(services: Dataverse, reflected: Any) -> None:
    own = services.rest("UnifiedActivity", filter=f"CustomerId eq '{services.given['abbie']}'", orderby="ActivityId")

    assert reflected["activities of the profile"] == [row["ActivityId"] for row in own]
    assert reflected["profile of the activity"] == "Abbie Moss"
    assert len(reflected["expanded"]) == 3


def test_python_odata_is_refused_what_dataverse_refuses(reflected: Any) -> None:
    assert reflected["offset"]["said"].startswith(f"HTTP 400 | {INVALID} | The query parameter $skip is not supported.")
    for name in ("save", "delete"):
        assert reflected[name]["said"].startswith(f"HTTP 403 | {DENIED} | ")
