"""What Dataverse's surface says of its tables: one service for all questions, since none changes anything."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import orjson
import pytest
import pytest_asyncio

from tests.conftest import INSTANCE, headers_of, open_client
from topcoat.settings import Settings
from topcoat.surfaces.dataverse.metadata import attributes, definitions, option_sets, relationships

pytestmark = pytest.mark.asyncio(loop_scope="module")

API = "http://testserver/api/data/v9.2"
CRM = "Microsoft.Dynamics.CRM"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
PROFILE, ACTIVITY = "msdynci_customerprofile", "msdynci_unifiedactivity"
PROFILE_ID = "fb6772f0-ed8b-580c-a2bc-99eddb43ef3d"
TABLES = {
    PROFILE: "msdynci_customerprofiles",
    ACTIVITY: "msdynci_unifiedactivities",
    "msdynci_alternatekey": "msdynci_alternatekeys",
    "msdynci_segmentmembership": "msdynci_segmentmemberships",
    "msdynci_customermeasure": "msdynci_customermeasures",
    "msdynci_enrichment": "msdynci_enrichments",
    "msdynci_prediction": "msdynci_predictions",
}
FILLED = list(TABLES)[:5]
"""The sample has neither enrichments nor predictions."""

PROFILES_BY_NAME = f"EntityDefinitions(LogicalName='{PROFILE}')"
ACTIVITIES_BY_NAME = f"EntityDefinitions(LogicalName='{ACTIVITY}')"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    home = tmp_path_factory.mktemp("metadata")
    copy = shutil.copy(sqlite_template, home)
    async with open_client(Settings(home=home, database_url=f"sqlite:///{copy}")) as client:
        client.base_url = httpx.URL(f"{API}/")
        yield client


async def get(api: httpx.AsyncClient, address: str, status: int = 200) -> Any:
    answer = await api.get(address)
    assert answer.status_code == status, answer.text
    return answer.json()


async def listed(api: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    return list((await get(api, address))["value"])


async def names(api: httpx.AsyncClient, address: str, name: str = "LogicalName") -> list[str]:
    return [one[name] for one in await listed(api, address)]


async def test_the_service_document_lists_the_sets(api: httpx.AsyncClient) -> None:
    document = await get(api, "")

    assert document["@odata.context"] == f"{API}/$metadata"
    assert [(s["name"], s["kind"], s["url"]) for s in document["value"]] == [
        (name, "EntitySet", name) for name in TABLES.values()
    ]


@pytest.mark.parametrize("address", ["WhoAmI", "WhoAmI()"])
async def test_callers_are_told_who_they_are_the_same_every_time(api: httpx.AsyncClient, address: str) -> None:
    first, again = await get(api, address), await get(api, "WhoAmI")
    other = (await api.get(address, headers=headers_of("viewer"))).json()

    assert list(first) == ["@odata.context", "BusinessUnitId", "UserId", "OrganizationId"]
    assert first["@odata.context"] == f"{API}/$metadata#{CRM}.WhoAmIResponse"
    assert first == again
    assert first["UserId"] != other["UserId"]
    assert first["OrganizationId"] == other["OrganizationId"] != first["BusinessUnitId"] == other["BusinessUnitId"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def schema(api: httpx.AsyncClient) -> ElementTree.Element:
    answer = await api.get("$metadata", headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/xml"
    root = ElementTree.fromstring(answer.content)
    [found] = root.iter(f"{EDM}Schema")
    return found


async def test_every_type_that_the_document_names_is_in_it(schema: ElementTree.Element) -> None:
    kinds = ("EntityType", "ComplexType", "Function")
    there = {element.attrib["Name"] for kind in kinds for element in schema.findall(f"{EDM}{kind}")}
    named = {
        re.sub(r"Collection\((.*)\)", r"\1", element.attrib[attribute])
        for element in schema.iter()
        for attribute in ("Type", "BaseType", "EntityType", "Function")
        if attribute in element.attrib and not element.tag.endswith("Record")
    }
    ours = {name for name in named if not name.startswith("Edm.")}

    assert there >= {re.sub(rf"({re.escape(CRM)}|mscrm)\.", "", name) for name in ours} > set(TABLES)


async def test_every_set_has_its_type_with_a_key_and_navigations_that_lead_back(schema: ElementTree.Element) -> None:
    types = {element.attrib["Name"]: element for element in schema.findall(f"{EDM}EntityType")}
    sets = {s.attrib["EntityType"].removeprefix(f"{CRM}."): s for s in schema.iter(f"{EDM}EntitySet")}
    lookup = types[ACTIVITY].find(f"{EDM}NavigationProperty")
    constraint = types[ACTIVITY].find(f"{EDM}NavigationProperty/{EDM}ReferentialConstraint")
    bindings = sets[PROFILE].findall(f"{EDM}NavigationPropertyBinding")

    assert {name: s.attrib["Name"] for name, s in sets.items()} == TABLES
    assert types.pop("crmbaseentity").attrib["Abstract"] == "true"
    for name, element in types.items():
        assert [ref.attrib["Name"] for ref in element.findall(f"{EDM}Key/{EDM}PropertyRef")] == [f"{name}id"]
        assert element.attrib["BaseType"] == "mscrm.crmbaseentity"
    assert lookup is not None
    assert lookup.attrib == {
        "Name": "msdynci_lookupfield_customer",
        "Type": f"mscrm.{PROFILE}",
        "Partner": "msdynci_customer_unifiedactivity",
    }
    assert constraint is not None
    assert constraint.attrib["Property"] == "_msdynci_lookupfield_customer_value"
    assert constraint.attrib["ReferencedProperty"] == f"{PROFILE}id"
    assert {b.attrib["Target"] for b in bindings} == set(TABLES.values()) - {TABLES[PROFILE]}


PATTERNS = {
    "Edm.Guid": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "Edm.Date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "Edm.DateTimeOffset": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{6})?Z",
    "Edm.String": "(?s).*",
}
KINDS: dict[str, tuple[type, ...]] = {
    "Edm.Int32": (int,),
    "Edm.Int64": (int,),
    "Edm.Decimal": (int, float),
    "Edm.Boolean": (bool,),
}


def is_of(value: Any, type_: str) -> bool:
    if type_ in PATTERNS:
        return isinstance(value, str) and re.fullmatch(PATTERNS[type_], value) is not None
    return type(value) in KINDS[type_]


@pytest.mark.parametrize("logical", FILLED)
async def test_every_column_that_a_read_returns_is_described_with_the_type_of_its_values(
    api: httpx.AsyncClient, schema: ElementTree.Element, logical: str
) -> None:
    rows = await listed(api, TABLES[logical])
    types = {
        p.attrib["Name"]: p.attrib["Type"] for p in schema.iterfind(f"{EDM}EntityType[@Name='{logical}']/{EDM}Property")
    }
    described = await names(api, f"EntityDefinitions(LogicalName='{logical}')/Attributes")

    assert rows
    for row in rows:
        del row["@odata.etag"]
        assert list(row) == list(types)
        assert not [(n, value) for n, value in row.items() if value is not None and not is_of(value, types[n])]
    assert described == [re.sub("^_(.*)_value$", r"\1", name) for name in types]


async def test_a_definition_says_what_a_table_is(api: httpx.AsyncClient) -> None:
    one = await get(api, PROFILES_BY_NAME)

    assert one["@odata.context"] == f"{API}/$metadata#EntityDefinitions/$entity"
    assert {name: one[name] for name in one if isinstance(one[name], str) and name != "@odata.context"} == {
        "MetadataId": PROFILE_ID,
        "LogicalName": PROFILE,
        "SchemaName": PROFILE,
        "EntitySetName": TABLES[PROFILE],
        "LogicalCollectionName": TABLES[PROFILE],
        "CollectionSchemaName": TABLES[PROFILE],
        "PrimaryIdAttribute": f"{PROFILE}id",
        "PrimaryNameAttribute": "msdynci_fullname",
        "OwnershipType": "UserOwned",
        "TableType": "Elastic",
    }
    assert (one["IsPrivate"], one["IsActivity"], one["IsCustomEntity"]) == (False, False, True)
    assert one["DisplayName"]["UserLocalizedLabel"]["Label"] == "Customer Profile"
    assert one["DisplayName"]["LocalizedLabels"] == [one["DisplayName"]["UserLocalizedLabel"]]
    assert 10_000 <= one["ObjectTypeCode"] < 60_000


async def test_no_two_descriptions_have_one_id(api: httpx.AsyncClient) -> None:
    navigations = ("Attributes", "Keys", "OneToManyRelationships")
    tables = await listed(api, f"EntityDefinitions?$expand={','.join(navigations)}")
    found = [*tables, *(one for table in tables for name in navigations for one in table[name])]

    assert len({one["MetadataId"] for one in found}) == len(found) > 100
    assert len({table["ObjectTypeCode"] for table in tables}) == len(tables)


async def test_definitions_have_the_properties_of_their_types_and_no_others(api: httpx.AsyncClient) -> None:
    """So that whatever is shown can be selected."""
    shapes = {
        one.name: one
        for base in (attributes.ATTRIBUTE, option_sets.OPTION_SET, relationships.RELATIONSHIP)
        for one in (base, *base.derived)
    } | {one.name: one for one in (definitions.ENTITY, definitions.KEY)}
    [table] = await listed(api, f"EntityDefinitions?$filter=LogicalName eq '{PROFILE}'&$expand=Attributes,Keys")
    related = await listed(api, "RelationshipDefinitions")

    assert set(table) == {*definitions.ENTITY.usual, "Attributes", "Keys"}
    assert all(set(key) == set(definitions.KEY.usual) for key in table["Keys"])
    for one in (*table["Attributes"], *related):
        assert set(one) - {"@odata.type"} == set(shapes[one["@odata.type"].removeprefix(f"#{CRM}.")].usual)


FILTERS = [
    (f"LogicalName eq '{PROFILE}'", [PROFILE]),
    ("LogicalName eq 'msdynci_CustomerProfile'", []),
    ("LogicalName eq 'account'", []),
    (f"EntitySetName eq '{TABLES[ACTIVITY]}'", [ACTIVITY]),
    (f"SchemaName eq '{PROFILE}' or LogicalName eq '{ACTIVITY}'", [PROFILE, ACTIVITY]),
    (f"IsPrivate eq false and (startswith(LogicalName,'{PROFILE}'))", [PROFILE]),
    ("IsPrivate eq true", []),
    (f"MetadataId eq {PROFILE_ID}", [PROFILE]),
    (f"not (LogicalName ne '{PROFILE}')", [PROFILE]),
    (f"OwnershipType eq {CRM}.OwnershipTypes'UserOwned' and ActivityTypeMask eq 0", list(TABLES)),
    ("CanCreateAttributes/Value eq true", []),
    ("LogicalName eq @p1&@p1='msdynci_prediction'", ["msdynci_prediction"]),
]


@pytest.mark.parametrize(("condition", "found"), FILTERS)
async def test_definitions_are_found_by_what_they_say(api: httpx.AsyncClient, condition: str, found: list[str]) -> None:
    page = await get(api, f"EntityDefinitions?$select=LogicalName,EntitySetName&$filter={condition}")

    assert page["@odata.context"] == f"{API}/$metadata#EntityDefinitions(LogicalName,EntitySetName)"
    assert [one["LogicalName"] for one in page["value"]] == found
    assert all(list(one) == ["LogicalName", "EntitySetName", "MetadataId"] for one in page["value"])


ATTRIBUTES = f"{ACTIVITIES_BY_NAME}/Attributes"
COUNTS = [
    (f"{ATTRIBUTES}?$filter=AttributeType ne 'Virtual'", 22),
    (f"{ATTRIBUTES}?$filter=AttributeType eq {CRM}.AttributeTypeCode'DateTime'", 3),
    (f"{ATTRIBUTES}?$filter=AttributeTypeName/Value eq 'LookupType'", 1),
    (f"{ATTRIBUTES}?$filter=RequiredLevel/Value eq {CRM}.AttributeRequiredLevel'ApplicationRequired'", 3),
    (f"{ATTRIBUTES}?$filter=IsPrimaryId eq true or IsPrimaryName eq true", 2),
    (f"{ATTRIBUTES}?$filter=AttributeOf eq null and LogicalName eq 'msdynci_title'", 1),
    (f"{ATTRIBUTES}/{CRM}.StringAttributeMetadata?$filter=MaxLength gt 100", 8),
    (f"{ATTRIBUTES}/{CRM}.MemoAttributeMetadata?$select=MaxLength,Format", 2),
    (f"{ATTRIBUTES}/{CRM}.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)", 0),
    (f"{ATTRIBUTES}/{CRM}.MoneyAttributeMetadata?$select=LogicalName,Precision", 0),
    (f"{PROFILES_BY_NAME}/Attributes/{CRM}.BooleanAttributeMetadata?$expand=OptionSet,GlobalOptionSet", 1),
    (f"EntityDefinitions({PROFILE_ID})/OneToManyRelationships", 6),
    (f"EntityDefinitions({PROFILE_ID})/ManyToOneRelationships", 0),
    (f"EntityDefinitions({PROFILE_ID})/ManyToManyRelationships?$select=SchemaName", 0),
    (f"{ACTIVITIES_BY_NAME}/OneToManyRelationships", 0),
    (f"{ACTIVITIES_BY_NAME}/ManyToOneRelationships", 1),
    ("RelationshipDefinitions?$select=SchemaName", 6),
    (f"RelationshipDefinitions?$filter=RelationshipType eq {CRM}.RelationshipType'OneToManyRelationship'", 6),
    (f"RelationshipDefinitions/{CRM}.OneToManyRelationshipMetadata?$filter=ReferencingEntity eq '{ACTIVITY}'", 1),
    (f"RelationshipDefinitions/{CRM}.ManyToManyRelationshipMetadata", 0),
    ("RelationshipDefinitions?$filter=SchemaName eq 'nix'", 0),
    ("GlobalOptionSetDefinitions", 0),
    (f"GlobalOptionSetDefinitions/{CRM}.OptionSetMetadata?$select=Options", 0),
]


@pytest.mark.parametrize(("address", "count"), COUNTS)
async def test_collections_have_what_there_is(api: httpx.AsyncClient, address: str, count: int) -> None:
    assert len(await listed(api, address)) == count


FACETS = [
    (PROFILES_BY_NAME, f"{PROFILE}id", "UniqueIdentifier", {"IsPrimaryId": True, "AttributeType": "Uniqueidentifier"}),
    (PROFILES_BY_NAME, "msdynci_fullname", "String", {"IsPrimaryName": True, "MaxLength": 100, "Format": "Text"}),
    (PROFILES_BY_NAME, "msdynci_customerid", "String", {"IsValidForUpdate": False}),
    (PROFILES_BY_NAME, "msdynci_emailoptin", "Boolean", {"IsValidForUpdate": True, "DefaultValue": False}),
    (PROFILES_BY_NAME, "msdynci_totalspend", "Decimal", {"Precision": 10, "MaxValue": 1e11}),
    (PROFILES_BY_NAME, "msdynci_dateofbirth", "DateTime", {"DateTimeBehavior": {"Value": "DateOnly"}}),
    (PROFILES_BY_NAME, "ttlinseconds", "Integer", {"MinValue": 1, "SchemaName": "TTLInSeconds"}),
    (PROFILES_BY_NAME, "versionnumber", "BigInt", {"IsCustomAttribute": False, "IsFilterable": False}),
    (ACTIVITIES_BY_NAME, "msdynci_activityid", "String", {"IsPrimaryName": True, "IsValidForCreate": True}),
    (ACTIVITIES_BY_NAME, "msdynci_semanticdata", "Memo", {"MaxLength": 1048576, "Format": "TextArea"}),
    (ACTIVITIES_BY_NAME, "msdynci_activitytime", "DateTime", {"DateTimeBehavior": {"Value": "UserLocal"}}),
    (ACTIVITIES_BY_NAME, "msdynci_lookupfield_customer", "Lookup", {"Targets": [PROFILE]}),
]


@pytest.mark.parametrize(("table", "column", "type_", "facets"), FACETS)
async def test_an_attribute_has_the_facets_of_its_type(
    api: httpx.AsyncClient, table: str, column: str, type_: str, facets: dict[str, Any]
) -> None:
    by_name = await get(api, f"{table}/Attributes(LogicalName='{column}')")
    by_id = await get(api, f"{table}/Attributes({by_name['MetadataId']})")
    cast = await get(api, f"{table}/Attributes(LogicalName='{column}')/{CRM}.{type_}AttributeMetadata")

    assert by_name == by_id
    assert by_name["@odata.type"] == f"#{CRM}.{type_}AttributeMetadata"
    assert by_name["@odata.context"].endswith("/Attributes/$entity")
    assert cast["@odata.context"].endswith(f"/Attributes/{CRM}.{type_}AttributeMetadata/$entity")
    assert {name: by_name[name] for name in facets} == facets


async def test_a_boolean_column_has_its_two_options(api: httpx.AsyncClient) -> None:
    column = f"{PROFILES_BY_NAME}/Attributes(LogicalName='msdynci_emailoptin')/{CRM}.BooleanAttributeMetadata"
    expanded = await get(api, f"{column}?$select=LogicalName&$expand=OptionSet($select=TrueOption),GlobalOptionSet")
    followed = await get(api, f"{column}/OptionSet?$select=FalseOption")
    nothing = await api.get(f"{column}/GlobalOptionSet")

    true, false = expanded["OptionSet"]["TrueOption"], followed["FalseOption"]
    assert (true["Value"], true["Label"]["UserLocalizedLabel"]["Label"]) == (1, "Yes")
    assert (false["Value"], false["Label"]["UserLocalizedLabel"]["Label"]) == (0, "No")
    assert expanded["GlobalOptionSet"] is None
    assert nothing.status_code == 204


async def test_keys_are_those_that_address_a_row(api: httpx.AsyncClient) -> None:
    of_profiles = await listed(api, f"{PROFILES_BY_NAME}/Keys")
    of_activities = await listed(api, f"{ACTIVITIES_BY_NAME}/Keys?$select=SchemaName,KeyAttributes")

    assert {key["EntityKeyIndexStatus"] for key in of_profiles} == {"Active"}
    assert {"msdynci_customerid", "msdynci_ecommerce_ecommercecontacts_contactid"} <= {
        *(key["KeyAttributes"][0] for key in of_profiles)
    }
    assert [(key["SchemaName"], key["KeyAttributes"]) for key in of_activities] == [
        ("msdynci_activityid_key", ["msdynci_activityid"]),
        ("KeyForNoSqlEntityWithPKPartitionId", [f"{ACTIVITY}id", "partitionid"]),
    ]


async def test_a_relationship_is_the_same_wherever_it_is_read(api: httpx.AsyncClient) -> None:
    name = "msdynci_customer_unifiedactivity"
    from_profiles = await listed(api, f"{PROFILES_BY_NAME}/OneToManyRelationships?$filter=SchemaName eq '{name}'")
    [one] = await listed(api, f"{ACTIVITIES_BY_NAME}/ManyToOneRelationships")
    by_name = await get(api, f"RelationshipDefinitions(SchemaName='{name}')")

    assert from_profiles == [one]
    assert {member: by_name[member] for member in one} == one
    assert by_name["@odata.type"] == f"#{CRM}.OneToManyRelationshipMetadata"
    assert set(one["CascadeConfiguration"].values()) == {"NoCascade"}
    assert {member: one[member] for member in one if member.startswith("Refer")} == {
        "ReferencedAttribute": f"{PROFILE}id",
        "ReferencedEntity": PROFILE,
        "ReferencedEntityNavigationPropertyName": name,
        "ReferencingAttribute": "msdynci_lookupfield_customer",
        "ReferencingEntity": ACTIVITY,
        "ReferencingEntityNavigationPropertyName": "msdynci_lookupfield_customer",
    }


async def test_expanded_descriptions_are_filtered_and_cut_like_others(api: httpx.AsyncClient) -> None:
    inner = "Attributes($select=LogicalName;$filter=AttributeType eq 'BigInt'),Keys($select=SchemaName)"
    page = await get(api, f"EntityDefinitions?$select=LogicalName&$expand={inner}&$filter=LogicalName eq '{ACTIVITY}'")

    [table] = page["value"]
    columns = "LogicalName,Attributes(LogicalName),Keys(SchemaName)"
    assert page["@odata.context"] == f"{API}/$metadata#EntityDefinitions({columns})"
    assert list(table) == ["LogicalName", "MetadataId", "Attributes", "Keys"]
    assert [(one["@odata.type"], one["LogicalName"]) for one in table["Attributes"]] == [
        (f"#{CRM}.BigIntAttributeMetadata", "versionnumber")
    ]
    assert [list(key) for key in table["Keys"]] == [["SchemaName", "MetadataId"]] * 2


async def test_one_property_is_read_alone(api: httpx.AsyncClient) -> None:
    value = await get(api, f"{PROFILES_BY_NAME}/SchemaName")
    empty = await api.get(f"{PROFILES_BY_NAME}/IntroducedVersion")

    context = f"{API}/$metadata#EntityDefinitions({PROFILE_ID})/SchemaName"
    assert value == {"@odata.context": context, "value": PROFILE}
    assert (empty.status_code, empty.content) == (204, b"")


def condition(name: str, operator: str, value: Any, type_: str = "System.String") -> dict[str, Any]:
    return {"PropertyName": name, "ConditionOperator": operator, "Value": {"Type": type_, "Value": value}}


def criteria(*conditions: dict[str, Any], operator: str = "And", **others: Any) -> dict[str, Any]:
    return {"Criteria": {"FilterOperator": operator, "Conditions": list(conditions), **others}}


async def changes(api: httpx.AsyncClient, query: Any, status: int = 200) -> Any:
    text = query if isinstance(query, str) else orjson.dumps(query).decode()
    answer = await api.get("RetrieveMetadataChanges(Query=@p1)", params={"@p1": text})
    assert answer.status_code == status, answer.text
    return answer.json()["EntityMetadata"] if status == 200 else answer.json()["error"]["message"]


IS_PROFILE = condition("LogicalName", "Equals", PROFILE)
IS_ACTIVITY = condition("LogicalName", "Equals", ACTIVITY)
SEVERAL = f"['{PROFILE}', \"{ACTIVITY}\"]"
CRITERIA = [
    (criteria(IS_PROFILE), [PROFILE]),
    (criteria(IS_PROFILE, IS_ACTIVITY), []),
    (criteria(IS_PROFILE, IS_ACTIVITY, operator="Or"), [PROFILE, ACTIVITY]),
    (criteria(condition("LogicalName", "In", SEVERAL, "System.String[]")), [PROFILE, ACTIVITY]),
    (criteria(condition("LogicalName", "In", [PROFILE, "account"], "System.String[]")), [PROFILE]),
    (criteria(condition("LogicalName", "NotIn", list(TABLES)[1:], "System.String[]")), [PROFILE]),
    (criteria(condition("IsPrivate", "Equals", "False", "System.Boolean"), IS_PROFILE), [PROFILE]),
    (criteria(condition("IsPrivate", "NotEquals", False, "System.Boolean")), []),
    (criteria(condition("CanCreateAttributes", "Equals", "true", "System.Boolean")), []),
    (criteria(condition("ObjectTypeCode", "GreaterThan", "9999", "System.Int32"), IS_PROFILE), [PROFILE]),
    (criteria(condition("ObjectTypeCode", "LessThan", 9999, "System.Int32")), []),
    (criteria(condition("DataProviderId", "Equals", None), IS_PROFILE), [PROFILE]),
    (criteria(IS_PROFILE, Filters=[criteria(IS_PROFILE, IS_ACTIVITY, operator="Or")["Criteria"]]), [PROFILE]),
    (criteria(), list(TABLES)),
    ({"Criteria": None, "LabelQuery": {"FilterLanguages": [1033], "MissingLabelBehavior": 0}}, list(TABLES)),
]


@pytest.mark.parametrize(("query", "found"), CRITERIA)
async def test_changes_are_of_the_tables_that_meet_the_criteria(
    api: httpx.AsyncClient, query: dict[str, Any], found: list[str]
) -> None:
    tables = await changes(api, {"Properties": {"PropertyNames": ["SchemaName"]}, **query})

    assert [one["LogicalName"] for one in tables] == found
    assert all(list(one) == ["LogicalName", "SchemaName", "MetadataId"] for one in tables)


async def test_changes_bring_columns_with_what_their_types_add(api: httpx.AsyncClient) -> None:
    asked = ["LogicalName", "MaxLength", "MinValue", "Precision", "RequiredLevel"]
    typed = condition("AttributeTypeName", "In", "['DecimalType','MemoType']", f"{CRM}.AttributeTypeDisplayName[]")
    [table] = await changes(
        api,
        {
            "Properties": {"AllProperties": False, "PropertyNames": ["LogicalName", "Attributes"]},
            "AttributeQuery": {"Properties": {"PropertyNames": asked}, **criteria(typed)},
            **criteria(IS_ACTIVITY),
        },
    )

    assert [(one["@odata.type"], one["LogicalName"], one["MaxLength"]) for one in table["Attributes"]] == [
        (f"#{CRM}.MemoAttributeMetadata", "msdynci_description", 1048576),
        (f"#{CRM}.MemoAttributeMetadata", "msdynci_semanticdata", 1048576),
    ]
    assert all("Precision" not in one for one in table["Attributes"])


async def test_changes_bring_everything_where_all_is_asked_for(api: httpx.AsyncClient) -> None:
    query = {"Properties": {"AllProperties": "true"}, "KeyQuery": criteria(), **criteria(IS_PROFILE)}
    [all_of_it] = await changes(api, query)
    [alone] = await changes(api, criteria(IS_PROFILE))
    described = await get(api, PROFILES_BY_NAME)
    del described["@odata.context"]

    assert alone == described
    assert list(all_of_it) == [*described, *definitions.ENTITY.navigations]
    assert [len(all_of_it[name]) for name in ("OneToManyRelationships", "ManyToManyRelationships")] == [6, 0]


def deep(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(levels):
        inner = {"Filters": [inner]}
    return {"Criteria": inner}


WRONG_QUERIES = [
    ("{", "Query has the text '{' in the expression; expected a JSON object."),
    ([], "Query has an array in the expression; expected an object."),
    ({"Nix": 1}, "Query has the member 'Nix' in the expression; expected one of Criteria, Properties, AttributeQuery"),
    ({"Criteria": {"Nix": 1}}, "Query has the member 'Nix' in Criteria; expected one of Conditions, FilterOperator"),
    ({"Criteria": {"Conditions": {}}}, "Query has an object in Criteria/Conditions; expected an array."),
    ({"Criteria": {"Conditions": [1]}}, "Query has the number 1 in Criteria/Conditions; expected an object."),
    ({"Criteria": {"FilterOperator": "Xor"}}, "the string 'Xor' in Criteria/FilterOperator; expected And or Or."),
    (criteria(condition("Nix", "Equals", "x")), f"Could not find a property named 'Nix' on type '{CRM}.EntityMetad"),
    (criteria(condition("LogicalName", "Like", "x")), "'Like' in Criteria/Conditions/ConditionOperator; expected one"),
    (criteria({"PropertyName": 1}), "the number 1 in Criteria/Conditions/PropertyName; expected the name of a prop"),
    (criteria({"PropertyName": "LogicalName", "Value": "x"}), "the string 'x' in Criteria/Conditions/Value; expected"),
    (criteria(condition("LogicalName", "Equals", 1)), "the number 1 in Criteria/Conditions/Value; expected a value of"),
    (criteria(condition("IsPrivate", "Equals", "x")), "expected a value of type boolean for IsPrivate."),
    (criteria(condition("ObjectTypeCode", "Equals", "x")), "expected a value of type integer for ObjectTypeCode."),
    (criteria(condition("IsPrivate", "GreaterThan", True)), "found 'gt' between booleans"),
    (criteria(condition("LogicalName", "In", "x")), "expected a list such as ['account','contact']."),
    (criteria(condition("LogicalName", "In", "['x' y]")), "expected a list such as ['account','contact']."),
    (criteria(condition("LogicalName", "In", [])), "Query has a list of 0 in Criteria/Conditions/Value; expected 1 to"),
    (criteria(*[IS_PROFILE] * 101), "Query has one more in Criteria/Conditions; expected at most 100 conditions"),
    (deep(12), "expected at most 10 filters inside each other."),
    ({"Properties": {"PropertyNames": [1]}}, "Query has the number 1 in Properties/PropertyNames; expected names"),
    ({"Properties": {"PropertyNames": ["Nix"]}}, "Could not find a property named 'Nix' on type"),
    (
        {"Properties": {"PropertyNames": ["Attributes"]}, "AttributeQuery": {"Properties": {"PropertyNames": ["x"]}}},
        f"Could not find a property named 'x' on type '{CRM}.AttributeMetadata'",
    ),
]


@pytest.mark.parametrize(("query", "said"), WRONG_QUERIES)
async def test_an_expression_that_is_wrong_is_told_where(api: httpx.AsyncClient, query: Any, said: str) -> None:
    assert said in await changes(api, query, 400)


REFUSALS = [
    ("EntityDefinitions(LogicalName='nix')", 404, "0x80040217", "EntityMetadata With Id = nix Does Not Exist"),
    (f"EntityDefinitions({INSTANCE})", 404, "0x80040217", f"EntityMetadata With Id = {INSTANCE} Does Not Exist"),
    (f"{ATTRIBUTES}(LogicalName='nix')", 404, "0x80040217", "AttributeMetadata With Id = nix Does Not Exist"),
    ("GlobalOptionSetDefinitions(Name='nix')", 404, "0x80040217", "OptionSetMetadataBase With Id = nix Does Not"),
    ("EntityDefinitions(SchemaName='x')", 400, "0x80060888", "expected one of MetadataId, LogicalName"),
    ("EntityDefinitions(LogicalName='x',MetadataId='y')", 400, "0x80060888", "names LogicalName, MetadataId"),
    ("EntityDefinitions()", 404, "0x8006088a", "Resource not found for the segment 'EntityDefinitions()'."),
    (f"{ACTIVITIES_BY_NAME}/Nix", 404, "0x8006088a", "Resource not found for the segment 'Nix'."),
    (f"{ACTIVITIES_BY_NAME}/SchemaName/x", 404, "0x8006088a", "Resource not found for the segment 'x'."),
    (f"{ACTIVITIES_BY_NAME}/SchemaName(x=1)", 404, "0x8006088a", "the segment 'SchemaName'."),
    (f"{ATTRIBUTES}/{CRM}.NixMetadata", 404, "0x8006088a", f"the segment '{CRM}.NixMetadata'."),
    (f"{ATTRIBUTES}/StringAttributeMetadata", 404, "0x8006088a", "the segment 'StringAttributeMetadata'."),
    (
        f"{ATTRIBUTES}(LogicalName='msdynci_title')/{CRM}.MemoAttributeMetadata",
        404,
        "0x8006088a",
        f"the segment '{CRM}.MemoAttributeMetadata'.",
    ),
    (
        f"{PROFILES_BY_NAME}/Attributes/{CRM}.BooleanAttributeMetadata(LogicalName='msdynci_emailoptin')/OptionSet(x=1)",
        404,
        "0x8006088a",
        "the segment 'OptionSet'.",
    ),
    ("EntityDefinitions?$top=1", 400, "0x80060888", "$top does not apply here; expected $select, $filter, $expand."),
    ("EntityDefinitions?$skip=1", 400, "0x80060888", "The query parameter $skip is not supported."),
    ("EntityDefinitions?$apply=x", 501, "0x80060888", "The query parameter $apply is not supported for now."),
    (f"{PROFILES_BY_NAME}?$filter=IsPrivate eq false", 400, "0x80060888", "$filter does not apply here"),
    (f"{PROFILES_BY_NAME}/SchemaName?$select=x", 400, "0x80060888", "$select does not apply here; expected no options"),
    ("GlobalOptionSetDefinitions?$filter=IsGlobal eq true", 400, "0x80060888", "$filter does not apply here"),
    ("EntityDefinitions?$select=Nix", 400, "0x80060888", f"named 'Nix' on type '{CRM}.EntityMetadata'"),
    ("EntityDefinitions?$filter=nix eq 1", 400, "0x80060888", f"named 'nix' on type '{CRM}.EntityMetadata'"),
    ("EntityDefinitions?$filter=logicalname eq 'x'", 400, "0x80060888", "(did you mean 'LogicalName'?)"),
    ("EntityDefinitions?$filter=LogicalName eq 1", 400, "0x80060888", "expected a string in single quotes"),
    ("EntityDefinitions?$filter=LogicalName", 400, "0x80060888", "expected a condition such as LogicalName ne null"),
    ("EntityDefinitions?$filter=LogicalName eq 'x", 400, "0x80060888", "a string that does not end"),
    ("EntityDefinitions?$filter=DisplayName eq 'x'", 400, "0x80060888", "$filter cannot compare DisplayName, which is"),
    ("EntityDefinitions?$filter=IsCustomizable eq true", 400, "0x80060888", "expected IsCustomizable/Value."),
    ("EntityDefinitions?$filter=IsPrivate/Value eq true", 400, "0x80060888", "named 'IsPrivate/Value'"),
    (f"{ATTRIBUTES}?$select=MaxLength", 400, "0x80060888", f"named 'MaxLength' on type '{CRM}.AttributeMetadata'"),
    (
        f"{ACTIVITIES_BY_NAME}/ManyToManyRelationships?$select=ReferencedEntity",
        400,
        "0x80060888",
        f"Could not find a property named 'ReferencedEntity' on type '{CRM}.ManyToManyRelationshipMetadata'",
    ),
    ("EntityDefinitions?$expand=Nix", 400, "0x80060888", f"named 'Nix' on type '{CRM}.EntityMetadata'"),
    ("EntityDefinitions?$expand=Attributes($top=1)", 400, "0x80060888", "$expand of Attributes takes $select, $filter"),
    ("EntityDefinitions?$expand=Attributes($select=Nix)", 400, "0x80060888", f"on type '{CRM}.AttributeMetadata'"),
    ("$metadata?$select=x", 400, "0x80060888", "$select does not apply here; expected no options."),
    ("$metadata(x=1)", 400, "0x80060888", "$metadata takes nothing in parentheses."),
    ("$metadata/x", 404, "0x8006088a", "Resource not found for the segment 'x'."),
    ("?$select=x", 400, "0x80060888", "$select does not apply here; expected no options."),
    ("WhoAmI(x=1)", 400, "0x80060888", "WhoAmI takes nothing in parentheses."),
    ("WhoAmI()/UserId", 404, "0x8006088a", "Resource not found for the segment 'UserId'."),
    ("RetrieveMetadataChanges", 400, "0x80060888", "Query is missing; expected RetrieveMetadataChanges(Query=@p1)"),
    ("RetrieveMetadataChanges(Query=@p1)", 400, "0x80060888", "Query is missing"),
    ("RetrieveMetadataChanges(Query=@p1)?@p1={}&$top=1", 400, "0x80060888", "$top does not apply to"),
    ("RetrieveMetadataChanges(Query=@p1)/x?@p1={}", 404, "0x8006088a", "Resource not found for the segment 'x'."),
    (
        "RetrieveMetadataChanges(Query=@p1,ClientVersionStamp=@p2)?@p1={}&@p2='x'",
        501,
        "0x80060888",
        "The parameter ClientVersionStamp of RetrieveMetadataChanges is not supported.",
    ),
    (
        'RetrieveMetadataChanges(Query=@p1)?@p1={"LabelQuery":{"FilterLanguages":[1031]}}',
        501,
        "0x80060888",
        "A LabelQuery without the language 1033 is not supported; labels have no other.",
    ),
]


@pytest.mark.parametrize(("address", "status", "code", "said"), REFUSALS)
async def test_what_is_wrong_is_told_in_dataverses_envelope(
    api: httpx.AsyncClient, address: str, status: int, code: str, said: str
) -> None:
    error = (await get(api, address, status))["error"]

    assert (list(error), error["code"]) == (["code", "message"], code)
    assert said in error["message"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_descriptions_are_not_written(api: httpx.AsyncClient, method: str) -> None:
    answer = await api.request(method, f"EntityDefinitions({PROFILE_ID})", json={})

    assert answer.status_code in (403, 405)
    assert answer.json()["error"]["message"]


async def test_without_unified_customers_there_are_no_tables(api: httpx.AsyncClient) -> None:
    body = {"instanceMetadata": {"name": "Bare"}}
    made = await api.post("http://testserver/api/instances/V2", json=body, headers=headers_of("owner"))
    bare = f"http://testserver/dataverse/{made.json()['instanceId']}/api/data/v9.2"
    document = await api.get(f"{bare}/$metadata", headers=headers_of("owner"))
    described = await api.get(f"{bare}/EntityDefinitions", headers=headers_of("owner"))

    [schema] = ElementTree.fromstring(document.content).iter(f"{EDM}Schema")
    assert [element.attrib["Name"] for element in schema.findall(f"{EDM}EntityType")] == ["crmbaseentity"]
    assert described.json() == {"@odata.context": f"{bare}/$metadata#EntityDefinitions", "value": []}
