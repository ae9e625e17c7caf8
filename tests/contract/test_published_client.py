"""The vendor's published client, unchanged, as the judge of the REST API."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contract.installation import INSTANCE_ID, PRIMARY_KEY, Server, headers
from tests.contract.published_client import PublishedClient

SOURCE_TABLE = "PoS_posPurchases"


@pytest.fixture
def frozen_clock(server: Server) -> Iterator[Server]:
    server.set_clock(freeze=True)
    yield server
    server.set_clock(resume=True)


@pytest.fixture
def loyalty_id(published_client: PublishedClient, abbie: str) -> str:
    return str(read_profile(published_client, abbie)["LoyaltyScheme_loyCustomers_LoyaltyID"])


def activity(customer_id: str, activity_id: str) -> dict[str, Any]:
    return {
        "ActivityId": activity_id,
        "CustomerId": customer_id,
        "ActivityTime": "2026-11-01T09:30:00Z",
        "ActivityType": "SalesOrder",
        "Title": 'Bought "Café crème"',
    }


def purchase(loyalty_id: str, purchase_id: str) -> dict[str, Any]:
    return {
        "PurchaseId": purchase_id,
        "LoyaltyID": loyalty_id,
        "PurchasedOn": "2026-11-02T16:45:00",
        "StoreName": "Pike Place",
        "TotalAmount": 12.5,
        "Currency": "USD",
        "ReceiptUrl": "https://contoso.com/receipts/1",
    }


def create(client: PublishedClient, table: str, record: dict[str, Any], **options: Any) -> Any:
    return client.call("create_an_entity", entity_name=table, body=json.dumps(record), **options)


def change(client: PublishedClient, customer_id: str, values: dict[str, Any], **options: Any) -> Any:
    body = json.dumps(values)
    return client.call("update_an_entity", entity_name="Customer", entity_id=customer_id, body=body, **options)


def read(client: PublishedClient, relative_path: str, **options: Any) -> list[dict[str, Any]]:
    outcome = client.call("get_entities_with_odata_path", relative_path=relative_path, **options)
    assert outcome.type == "ODataEntityPayload", outcome
    assert "$metadata#" in outcome.value["odatacontext"]
    records: list[dict[str, Any]] = outcome.value["value"]
    return records


def read_profile(client: PublishedClient, customer_id: str) -> dict[str, Any]:
    [profile] = read(client, f"Customer?$filter=CustomerId eq '{customer_id}'")
    return profile


def read_activities(client: PublishedClient, customer_id: str, activity_id: str) -> list[dict[str, Any]]:
    return read(client, "UnifiedActivity", filter=f"CustomerId eq '{customer_id}' and ActivityId eq '{activity_id}'")


def test_metadata_of_all_tables_is_an_entity_model(published_client: PublishedClient) -> None:
    outcome = published_client.call("get_all_entity_metadata")

    assert outcome.type == "IC360EntityModel"
    assert outcome.value["instance_id"] == INSTANCE_ID
    names = [table["qualified_entity_name"] for table in outcome.value["entities"]]
    assert {"Customer", "UnifiedActivity", "Customer_Measure", SOURCE_TABLE} <= set(names)


def test_metadata_of_one_table_has_typed_attributes_and_keys(published_client: PublishedClient) -> None:
    outcome = published_client.call("get_entity_metadata", entity_name="UnifiedActivity")

    assert outcome.type == "IEntityMetadata"
    assert outcome.value["entity_type"] == "unifiedActivity"
    types = {attribute["name"]: attribute["data_type"] for attribute in outcome.value["attributes"]}
    assert (types["ActivityId"], types["ActivityTime"]) == ("string", "dateTimeOffset")
    assert [[key["name"] for key in keys] for keys in outcome.value["keys"]] == [["ActivityId"]]


def test_annotations_mark_keys_and_mandatory_columns(published_client: PublishedClient) -> None:
    outcome = published_client.call("get_entity_metadata", entity_name="UnifiedActivity", attributes_annotations=True)

    annotations = {
        attribute["name"]: [note["name"] for note in attribute["additional_properties"].get("annotations", [])]
        for attribute in outcome.value["attributes"]
    }
    assert "ReadOnly" in annotations["ActivityId"]
    assert "Mandatory" in annotations["ActivityTime"]
    assert annotations["Title"] == []


def test_metadata_of_an_unknown_table_is_an_api_error(published_client: PublishedClient) -> None:
    outcome = published_client.call("get_entity_metadata", entity_name="UnifiedActivty", raw=True)

    assert (outcome.type, outcome.status) == ("ApiErrorResult", 404)
    assert outcome.value["http_status_code"] == "404"
    assert "UnifiedActivity" in outcome.value["message"]


def test_an_activity_in_unified_format_is_created_and_read_back(published_client: PublishedClient, abbie: str) -> None:
    """S11, S23"""
    sent = activity(abbie, "unified-1")

    outcome = create(published_client, "UnifiedActivity", sent, raw=True)

    assert (outcome.type, outcome.status) == ("CreatedResult", 201)
    created = outcome.value
    assert (created["status_code"], created["content_types"]) == (201, ["application/json"])
    assert created["formatters"] == []
    assert created["declared_type"] is None
    assert "unified-1" in created["location"]
    assert {name: created["value"][name] for name in sent} == sent
    assert [a["Title"] for a in read_activities(published_client, abbie, "unified-1")] == [sent["Title"]]


def test_a_source_record_becomes_an_activity_of_its_customer(
    published_client: PublishedClient, abbie: str, loyalty_id: str
) -> None:
    """S11, S12, S19"""
    outcome = create(published_client, SOURCE_TABLE, purchase(loyalty_id, "source-1"), raw=True)

    assert (outcome.type, outcome.status) == ("CreatedResult", 201)
    made = outcome.value["value"]
    assert (made["CustomerId"], made["EntityName"], made["ActualActivityId"]) == (abbie, SOURCE_TABLE, "source-1")
    assert (made["ActivityType"], made["ActivityTime"]) == ("SalesOrder", "2026-11-02T16:45:00Z")
    assert read_activities(published_client, abbie, made["ActivityId"]) == [made]


def test_a_source_record_of_nobody_yet_is_accepted_and_waits(published_client: PublishedClient) -> None:
    """S14"""
    record = purchase("nobody-yet", "waiting-1")

    outcomes = [create(published_client, SOURCE_TABLE, record, raw=True) for _ in range(2)]

    assert [(o.type, o.status) for o in outcomes] == [("AcceptedResult", 202)] * 2
    assert outcomes[0].value["status_code"] == 202
    assert outcomes[0].value["value"]["CustomerId"] is None


def test_a_duplicate_is_an_odata_error_with_409_and_changes_nothing(
    published_client: PublishedClient, abbie: str
) -> None:
    """S13"""
    first = activity(abbie, "twice-1")
    create(published_client, "UnifiedActivity", first)

    outcome = create(published_client, "UnifiedActivity", first | {"Title": "Another"}, raw=True)

    assert (outcome.type, outcome.status) == ("ODataError", 409)
    assert outcome.value["error_code"] == "ActivityExists"
    assert "twice-1" in outcome.value["message"]
    assert [a["Title"] for a in read_activities(published_client, abbie, "twice-1")] == [first["Title"]]


def test_valid_until_may_be_a_datetime_which_the_client_sends_with_a_blank(
    published_client: PublishedClient, server: Server, abbie: str
) -> None:
    """S3"""
    soon = {"$datetime": (service_now(server) + timedelta(days=10)).isoformat()}
    late = {"$datetime": (service_now(server) + timedelta(days=31)).isoformat()}

    taken = create(published_client, "UnifiedActivity", activity(abbie, "blank-1"), raw=True, valid_until=soon)
    refused = create(published_client, "UnifiedActivity", activity(abbie, "blank-2"), raw=True, valid_until=late)

    assert (taken.type, taken.status) == ("CreatedResult", 201)
    assert (refused.type, refused.status) == ("ODataError", 400)
    assert (refused.value["error_code"], refused.value["target"]) == ("ValidUntilOutOfRange", "validUntil")
    assert read_activities(published_client, abbie, "blank-2") == []


@pytest.mark.parametrize("body", [None, {"ActivityId": "dict-1"}], ids=["none", "a dict"])
def test_a_body_that_is_no_json_text_is_an_odata_error(
    published_client: PublishedClient, abbie: str, body: Any
) -> None:
    outcome = published_client.call("create_an_entity", entity_name="UnifiedActivity", body=body, raw=True)

    assert (outcome.type, outcome.status) == ("ODataError", 400)
    assert outcome.value["error_code"] == "BodyUnreadable"
    assert read_activities(published_client, abbie, "dict-1") == []


def test_an_unknown_table_is_an_odata_error_on_writing_and_reading(
    published_client: PublishedClient, abbie: str
) -> None:
    """S32: 404 is not declared for writing, and the client raises on it; so 400 there."""
    written = create(published_client, "Nope", activity(abbie, "nowhere-1"), raw=True)
    found = published_client.call("get_entities_with_odata_path", relative_path="Nope", raw=True)

    assert (written.type, written.status) == ("ODataError", 400)
    assert (found.type, found.status) == ("ODataError", 404)
    assert written.value["error_code"]
    assert found.value["error_code"]


def test_a_change_answers_204_and_is_read_merged(published_client: PublishedClient, abbie: str) -> None:
    """S7, S8, S23"""
    before = read_profile(published_client, abbie)

    outcome = change(published_client, abbie, {"Telephone": "555-0100", "RewardsPoints": 7}, raw=True, caller="crm")

    assert (outcome.type, outcome.status) == ("NoneType", 204)
    assert read_profile(published_client, abbie) == before | {"Telephone": "555-0100", "RewardsPoints": 7}


def test_a_change_of_an_unknown_profile_is_an_odata_error(published_client: PublishedClient) -> None:
    """S5"""
    outcome = change(published_client, "f" * 32, {"City": "Paris"}, raw=True)

    assert (outcome.type, outcome.status) == ("ODataError", 404)


def test_a_change_of_a_wrong_type_names_column_value_and_expectation(
    published_client: PublishedClient, abbie: str
) -> None:
    """S5"""
    outcome = change(published_client, abbie, {"RewardsPoints": "many"}, raw=True)

    assert (outcome.type, outcome.status) == ("ODataError", 400)
    assert outcome.value["target"] == "RewardsPoints"
    assert "many" in outcome.value["message"]
    assert "integer" in outcome.value["message"]


def test_a_change_lapses_after_four_hours_to_the_instant(
    published_client: PublishedClient, frozen_clock: Server, abbie: str
) -> None:
    """S2, S3, S4: the default lifetime of a profile change, half open."""
    source = read_profile(published_client, abbie)["City"]
    change(published_client, abbie, {"City": "Paris"})

    frozen_clock.set_clock(advance="PT3H59M59S")
    just_before = read_profile(published_client, abbie)["City"]
    frozen_clock.set_clock(advance="PT1S")
    at_the_instant = read_profile(published_client, abbie)["City"]

    assert (source, just_before, at_the_instant) == ("Seattle", "Paris", "Seattle")


def test_an_activity_lapses_at_its_valid_until_and_frees_its_id(
    published_client: PublishedClient, frozen_clock: Server, abbie: str
) -> None:
    """S2, S13"""
    record = activity(abbie, "short-1")
    until = (service_now(frozen_clock) + timedelta(hours=1)).isoformat()
    create(published_client, "UnifiedActivity", record, valid_until=until)
    shown = read_activities(published_client, abbie, "short-1")

    frozen_clock.set_clock(advance="PT1H")

    assert len(shown) == 1
    assert read_activities(published_client, abbie, "short-1") == []
    assert create(published_client, "UnifiedActivity", record, raw=True).status == 201


def test_query_options_and_a_query_inside_the_path_mean_the_same(published_client: PublishedClient, abbie: str) -> None:
    by_path = read(published_client, f"Customer?$filter=CustomerId eq '{abbie}'&$select=CustomerId,City")
    by_options = read(published_client, "Customer", filter=f"CustomerId eq '{abbie}'", select="CustomerId,City")

    assert by_path == by_options
    assert [set(record) for record in by_path] == [{"CustomerId", "City"}]


def test_top_and_skip_cut_a_stretch_out_of_the_list(published_client: PublishedClient) -> None:
    everybody = [profile["CustomerId"] for profile in read(published_client, "Customer")]

    stretch = read(published_client, "Customer", skip=2, top=5, force_search=False, proxy=False)

    assert len(everybody) == 30
    assert [profile["CustomerId"] for profile in stretch] == everybody[2:7]


def test_a_full_page_brings_a_next_link_under_the_clients_own_address(
    published_client: PublishedClient, server: Server
) -> None:
    outcome = published_client.call("get_entities_with_odata_path", relative_path="UnifiedActivity")

    assert len(outcome.value["value"]) == 100
    assert outcome.value["additional_properties"]["@odata.nextLink"].startswith(f"{server.url}/v1/instances/")


def test_a_timeline_is_read_through_its_profile_newest_first(published_client: PublishedClient, abbie: str) -> None:
    """S17"""
    timeline = read(published_client, f"Customer('{abbie}')/UnifiedActivity")

    assert timeline
    assert {record["CustomerId"] for record in timeline} == {abbie}
    times = [record["ActivityTime"] for record in timeline]
    assert times == sorted(times, reverse=True)


def test_a_broken_filter_is_an_odata_error(published_client: PublishedClient) -> None:
    outcome = published_client.call(
        "get_entities_with_odata_path", relative_path="Customer", filter="CustomerId eq", raw=True
    )

    assert (outcome.type, outcome.status) == ("ODataError", 400)
    assert outcome.value["target"] == "$filter"


def test_instances_are_listed_and_described(published_client: PublishedClient) -> None:
    listed = published_client.call("get_all_instances")
    described = published_client.call("get_instance_metadata")

    assert [(i["__type__"], i["instance_id"], i["name"]) for i in listed.value] == [
        ("InstanceInfo", INSTANCE_ID, "Contoso Coffee")
    ]
    assert (described.type, described.value["name"]) == ("InstanceMetadata", "Contoso Coffee")


def test_an_unknown_instance_is_an_api_error(published_client: PublishedClient) -> None:
    """S33"""
    outcome = published_client.call("get_instance_metadata", instance_id=INSTANCE_ID[:-1] + "2", raw=True)

    assert (outcome.type, outcome.status) == ("ApiErrorResult", 404)


@pytest.mark.parametrize(
    ("role", "roles"), [("viewer", ["Viewer"]), ("contributor", ["Contributor"]), ("administrator", ["Admin"])]
)
def test_the_caller_learns_its_role(published_client: PublishedClient, role: str, roles: list[str]) -> None:
    outcome = published_client.call("get_current_user_role", sent=headers(role))

    assert (outcome.type, outcome.value["roles"]) == ("RoleAssignment", roles)


def test_a_viewer_reads_but_its_writes_raise_with_403(published_client: PublishedClient, abbie: str) -> None:
    viewer = headers("viewer")

    written = create(published_client, "UnifiedActivity", activity(abbie, "viewer-1"), sent=viewer)
    changed = change(published_client, abbie, {"City": "Oslo"}, sent=viewer)
    found = read(published_client, f"Customer?$filter=CustomerId eq '{abbie}'", sent=viewer)

    assert [(o.raised, o.status) for o in (written, changed)] == [("HttpOperationError", 403)] * 2
    assert [profile["City"] for profile in found] != ["Oslo"]
    assert read_activities(published_client, abbie, "viewer-1") == []


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Authorization": "Bearer topcoat-contributor"},
        {"Ocp-Apim-Subscription-Key": PRIMARY_KEY},
        {"Authorization": "Bearer topcoat-contributor", "Ocp-Apim-Subscription-Key": "wrong"},
        {"Authorization": "Bearer nobody", "Ocp-Apim-Subscription-Key": PRIMARY_KEY},
    ],
    ids=["nothing", "no key", "no token", "wrong key", "wrong token"],
)
def test_without_token_and_key_the_answer_is_401(
    published_client: PublishedClient, abbie: str, sent: dict[str, str]
) -> None:
    outcome = create(published_client, "UnifiedActivity", activity(abbie, "stranger-1"), sent=sent, raw=True)

    assert (outcome.type, outcome.status) == ("NoneType", 401)
    assert outcome.headers is not None
    assert {name.lower(): value for name, value in outcome.headers.items()}["www-authenticate"].startswith("Bearer")
    assert read_activities(published_client, abbie, "stranger-1") == []


def test_a_source_key_leads_to_a_profile_and_all_its_keys(
    published_client: PublishedClient, abbie: str, loyalty_id: str
) -> None:
    """S19"""
    outcome = published_client.call(
        "get_key_ring", data_source_name="LoyaltyScheme", entity_name="loyCustomers", key=loyalty_id
    )

    assert outcome.type == "KeyRingResponse", outcome
    assert (outcome.value["instance_id"], outcome.value["customer_id"]) == (INSTANCE_ID, abbie)
    profile = read_profile(published_client, abbie)
    keys = {
        table: (f"{ring['dataSourceName']}_{ring['tableName']}", ring["preferredKey"], ring["keys"])
        for table, ring in outcome.value["key_ring"].items()
    }
    contact_id = profile["eCommerce_eCommerceContacts_ContactId"]
    assert keys == {
        "LoyaltyScheme_loyCustomers": ("LoyaltyScheme_loyCustomers", loyalty_id, [loyalty_id]),
        "eCommerce_eCommerceContacts": ("eCommerce_eCommerceContacts", contact_id, [contact_id]),
    }


def test_an_unknown_key_is_an_api_error(published_client: PublishedClient) -> None:
    outcome = published_client.call(
        "get_key_ring", data_source_name="LoyaltyScheme", entity_name="loyCustomers", key="CNT/1 2", raw=True
    )

    assert (outcome.type, outcome.status) == ("ApiErrorResult", 404)
    assert "CNT/1 2" in outcome.value["message"]


def test_activity_types_and_counts_are_those_of_the_timeline(published_client: PublishedClient, abbie: str) -> None:
    create(published_client, "UnifiedActivity", activity(abbie, "counted-1") | {"ActivityType": "Counted"})
    timeline = read(published_client, f"Customer('{abbie}')/UnifiedActivity", top="1000")

    outcome = published_client.call("get_activity_types_and_counts", customer_id=abbie)

    assert outcome.type == "KeyRingResponse", outcome
    assert outcome.value["customer_id"] == abbie
    kinds = Counter((record["ActivityType"], record["ActivityTypeDisplay"]) for record in timeline)
    assert outcome.value["key_ring"]["activityCount"] == len(timeline)
    assert {
        (kind["activityType"], kind["activityTypeDisplay"]): kind["count"]
        for kind in outcome.value["key_ring"]["activityTypes"]
    } == kinds
    assert kinds["Counted", None] == 1


def test_the_size_of_a_table_has_its_records_and_bytes(published_client: PublishedClient) -> None:
    customers = read(published_client, "Customer", top="1000")

    outcome = published_client.call("get_entity_size", entity_name="Customer")

    assert outcome.type == "EntitySize", outcome
    assert (outcome.value["qualified_entity_name"], outcome.value["row_count"]) == ("Customer", len(customers))
    assert outcome.value["size"] > 100 * len(customers)


def test_the_search_configuration_is_told_and_replaced(published_client: PublishedClient) -> None:
    told = published_client.call("get_search_configuration")
    attributes = [{"name": "City", "properties": {"isSearchable": True, "isFilterable": True}}]
    body = {"entityConfig": [{"qualifiedEntityName": "Customer", "attributes": attributes}]}
    replaced = published_client.call("update_search_configuration", body=body, sent=headers("administrator"))

    assert (told.type, replaced.type) == ("InstanceSearchConfiguration", "InstanceSearchConfiguration")
    assert told.value["entity_config"][0]["qualified_entity_name"] == "Customer"
    [city] = replaced.value["entity_config"][0]["attributes"]
    assert (city["name"], city["properties"]["is_searchable"]) == ("City", True)
    assert replaced.value["version"] == told.value["version"] + 1
    assert datetime.fromisoformat(replaced.value["updated_utc"]) > datetime.fromisoformat(told.value["updated_utc"])
    assert search_properties(published_client, "City")["is_searchable"] is True
    assert search_properties(published_client, "FullName")["is_searchable"] is False


def search_properties(client: PublishedClient, name: str) -> dict[str, Any]:
    outcome = client.call("get_entity_metadata", entity_name="Customer")
    [attribute] = [a for a in outcome.value["attributes"] if a["name"] == name]
    properties: dict[str, Any] = attribute["search_properties"]
    return properties


def test_a_searchable_attribute_that_is_no_string_is_an_api_error(published_client: PublishedClient) -> None:
    attributes = [{"name": "RewardsPoints", "properties": {"isSearchable": True}}]
    body = {"entityConfig": [{"qualifiedEntityName": "Customer", "attributes": attributes}]}

    outcome = published_client.call("update_search_configuration", body=body, sent=headers("administrator"), raw=True)

    assert (outcome.type, outcome.status) == ("ApiErrorResult", 400)
    assert "RewardsPoints" in outcome.value["message"]


def service_now(server: Server) -> datetime:
    with server.client("administrator") as client:
        return datetime.fromisoformat(client.get(f"{server.url}/_topcoat/clock").json()["now"])
