"""The Dataverse Web API: the merged records under Dataverse's names, in its dialect."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import INSTANCE, open_client
from tests.surfaces.state import activity
from topcoat.core import row_guids
from topcoat.settings import Settings
from topcoat.store import migrate

ROOT = "/api/data/v9.2"
PROFILES = f"{ROOT}/msdynci_customerprofiles"
ACTIVITIES = f"{ROOT}/msdynci_unifiedactivities"
CONTACT_KEY = "msdynci_ecommerce_ecommercecontacts_contactid"
ABBIES_CONTACT = "CNTID_1001"


@pytest.fixture
async def viewer(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Known by the token alone."""
    del client.headers["Ocp-Apim-Subscription-Key"]
    return client


async def rows(client: httpx.AsyncClient, address: str, **options: Any) -> list[dict[str, Any]]:
    answer = await client.get(address, params={f"${name}": value for name, value in options.items()})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["value"])


async def refused(client: httpx.AsyncClient, address: str) -> tuple[int, str, str]:
    answer = await client.get(address)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


async def post(client: httpx.AsyncClient, base: str, **columns: Any) -> None:
    headers = {"Ocp-Apim-Subscription-Key": "topcoat-primary-key"}
    answer = await client.post(f"{base}/data/UnifiedActivity", json=activity(**columns), headers=headers)
    assert answer.status_code == 201, answer.text


def guid(key: str) -> str:
    return str(row_guids.guid_of(key))


async def test_a_profile_is_read_by_its_guid_and_by_every_key(viewer: httpx.AsyncClient, abbie: str) -> None:
    by_guid = (await viewer.get(f"{PROFILES}({guid(abbie)})")).json()
    by_id = (await viewer.get(f"{PROFILES}(msdynci_customerid='{abbie}')")).json()
    by_contact = (await viewer.get(f"{PROFILES}({CONTACT_KEY}='{ABBIES_CONTACT}')")).json()
    by_partition = (
        await viewer.get(f"{PROFILES}(msdynci_customerprofileid={guid(abbie)},partitionid='{abbie}')")
    ).json()

    assert by_guid["@odata.context"] == f"http://testserver{ROOT}/$metadata#msdynci_customerprofiles/$entity"
    assert by_guid["msdynci_fullname"] == "Abbie Moss"
    assert by_guid["msdynci_customerprofileid"] == guid(abbie)
    assert by_guid == by_id == by_contact == by_partition


async def test_a_partition_narrows_to_the_rows_of_one_customer(viewer: httpx.AsyncClient, abbie: str) -> None:
    where = f"{PROFILES}({guid(abbie)})"
    own = await viewer.get(f"{where}?partitionId='{abbie}'")
    foreign = await viewer.get(f"{where}?partitionid='other'")
    listed = await viewer.get(f"{ACTIVITIES}?partitionId='{abbie}'")

    assert (own.status_code, foreign.status_code) == (200, 404)
    assert {row["partitionid"] for row in listed.json()["value"]} == {abbie}


async def test_what_is_posted_by_rest_is_read_at_once_and_gone_when_it_lapses(
    viewer: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    await post(viewer, base, customer_id=abbie, ActivityId="A-1")
    await viewer.patch(
        f"{base}/data/Customer/{abbie}",
        json={"City": "Paris"},
        headers={"Ocp-Apim-Subscription-Key": "topcoat-primary-key"},
    )
    where = f"{ACTIVITIES}({guid('A-1')})"
    posted = (await viewer.get(where)).json()
    changed = (await viewer.get(f"{PROFILES}({guid(abbie)})")).json()
    await viewer.post("/_topcoat/clock", json={"advance": "P30D"}, headers=admin)

    assert posted["msdynci_activityid"] == "A-1"
    assert (posted["ttlinseconds"], changed["ttlinseconds"]) == (30 * 86400, 4 * 3600)
    assert changed["msdynci_city"] == "Paris"
    assert (await viewer.get(where)).status_code == 404
    lapsed = (await viewer.get(f"{PROFILES}({guid(abbie)})")).json()
    assert (lapsed["msdynci_city"], lapsed["ttlinseconds"]) == ("Seattle", None)
    assert lapsed["@odata.etag"] != changed["@odata.etag"]


@pytest.mark.parametrize(
    "condition",
    [
        "msdynci_fullname eq 'ABBIE moss'",
        "'abbie moss' eq msdynci_fullname",
        "msdynci_fullname eq 'Abbie Moss' and msdynci_fullname ne null",
        "contains(msdynci_fullname, 'BIE M')",
        "startswith(msdynci_fullname,'abbie')",
        "endswith(msdynci_email,'.MOSS@CONTOSO.COM')",
        "contains(msdynci_fullname,'a_b%s')",
        "not (msdynci_fullname ne 'abbie moss')",
        'Microsoft.Dynamics.CRM.In(PropertyName=\'msdynci_fullname\',PropertyValues=["Abbie Moss","Nobody"])',
        "Microsoft.Dynamics.CRM.BeginsWith(PropertyName='msdynci_fullname',PropertyValue='abbie m')",
        "(msdynci_fullname eq 'Abbie Moss' and msdynci_totalspend ge '0')",
        f"{CONTACT_KEY} eq '{ABBIES_CONTACT.lower()}' or {CONTACT_KEY} eq '{ABBIES_CONTACT}'",
        "msdynci_emailoptin eq true and msdynci_fullname eq 'Abbie Moss' or msdynci_fullname eq 'abbie moss'",
        "msdynci_fullname eq msdynci_fullname and msdynci_firstname eq 'ABBIE' and msdynci_lastname eq 'moss'",
        "Microsoft.Dynamics.CRM.OlderThanXYears(PropertyName='msdynci_customersince',PropertyValue=1)"
        " and msdynci_fullname eq 'abbie moss'",
    ],
)
async def test_conditions_have_dataverses_meaning(viewer: httpx.AsyncClient, abbie: str, condition: str) -> None:
    found = await rows(viewer, PROFILES, filter=condition, select="msdynci_customerid")

    assert [row["msdynci_customerid"] for row in found] == [abbie]


async def test_guids_are_conditions_on_ids(viewer: httpx.AsyncClient, abbie: str) -> None:
    own = await rows(viewer, PROFILES, filter=f"msdynci_customerprofileid eq {guid(abbie)}")
    others = await rows(viewer, PROFILES, filter=f"msdynci_customerprofileid ne {guid(abbie)}")
    activities = await rows(viewer, ACTIVITIES, filter=f"_msdynci_lookupfield_customer_value eq '{guid(abbie)}'")
    by_id = await rows(viewer, ACTIVITIES, filter=f"msdynci_customerid eq '{abbie}'")

    assert (len(own), len(others)) == (1, 19)
    assert activities == by_id
    assert {row["_msdynci_lookupfield_customer_value"] for row in activities} == {guid(abbie)}


async def test_pages_go_on_to_the_end_by_absolute_links(viewer: httpx.AsyncClient) -> None:
    headers = {"Prefer": "odata.maxpagesize=7"}
    found, sizes, cookies = [], [], set()
    following = f"http://testserver{PROFILES}?$select=msdynci_fullname&$orderby=msdynci_fullname desc&$count=true"
    while following:
        answer = await viewer.get(following, headers=headers)
        page = answer.json()
        assert answer.headers["preference-applied"] == "odata.maxpagesize=7"
        assert page["@odata.count"] == 20
        found += [row["msdynci_fullname"] for row in page["value"]]
        sizes.append(len(page["value"]))
        following = page.get("@odata.nextLink", "")
        assert following.startswith("http://testserver/") or not following
        assert following not in cookies
        cookies.add(following)

    assert sizes == [7, 7, 6]
    assert found == sorted(found, reverse=True)


async def test_top_is_a_limit_over_all_pages(viewer: httpx.AsyncClient) -> None:
    first = (await viewer.get(f"{PROFILES}?$top=3", headers={"Prefer": "odata.maxpagesize=2"})).json()
    second = (await viewer.get(first["@odata.nextLink"])).json()

    assert (len(first["value"]), len(second["value"])) == (2, 1)
    assert "@odata.nextLink" not in second


async def test_a_number_is_bare_digits(viewer: httpx.AsyncClient, abbie: str) -> None:
    answer = await viewer.get(f"{PROFILES}/$count", params={"$filter": "msdynci_fullname eq 'abbie moss'"})
    own = await viewer.get(f"{PROFILES}({guid(abbie)})/msdynci_customer_unifiedactivity/$count")

    assert (answer.text, answer.headers["content-type"]) == ("1", "text/plain; charset=utf-8")
    assert int(own.text) == len(await rows(viewer, ACTIVITIES, filter=f"msdynci_customerid eq '{abbie}'"))


async def test_a_profile_brings_its_activities_and_an_activity_its_profile(
    viewer: httpx.AsyncClient, abbie: str
) -> None:
    inner = "$select=msdynci_activitytime;$orderby=msdynci_activitytime desc;$top=2"
    expand = f"msdynci_customer_unifiedactivity({inner})"
    profile = (await viewer.get(f"{PROFILES}({guid(abbie)})", params={"$expand": expand})).json()
    newest = profile["msdynci_customer_unifiedactivity"]
    back = "msdynci_lookupfield_customer($select=msdynci_city)"
    [one] = await rows(viewer, ACTIVITIES, filter=f"msdynci_customerid eq '{abbie}'", top=1, expand=back)
    followed = (
        await viewer.get(f"{ACTIVITIES}({one['msdynci_unifiedactivityid']})/msdynci_lookupfield_customer")
    ).json()
    listed = await rows(viewer, f"{PROFILES}({guid(abbie)})/msdynci_customer_unifiedactivity", top=2)

    assert [list(row) for row in newest] == [["@odata.etag", "msdynci_unifiedactivityid", "msdynci_activitytime"]] * 2
    assert one["msdynci_lookupfield_customer"]["msdynci_city"] == "Seattle"
    assert followed["msdynci_customerid"] == abbie
    assert [row["msdynci_unifiedactivityid"] for row in listed] == [row["msdynci_unifiedactivityid"] for row in newest]


async def test_annotations_come_where_they_are_asked_for(viewer: httpx.AsyncClient, abbie: str) -> None:
    address = f"{ACTIVITIES}?$filter=msdynci_customerid eq '{abbie}'&$top=1&$count=true"
    plain = (await viewer.get(address)).json()
    full = (await viewer.get(address, headers={"Prefer": 'odata.include-annotations="*"'})).json()
    [row] = full["value"]
    lookup = "_msdynci_lookupfield_customer_value@Microsoft.Dynamics.CRM."

    assert not [name for name in plain["value"][0] if "@" in name.removeprefix("@odata.etag")]
    assert row[f"{lookup}lookuplogicalname"] == "msdynci_customerprofile"
    assert row[f"{lookup}associatednavigationproperty"] == "msdynci_lookupfield_customer"
    assert row["createdon@OData.Community.Display.V1.FormattedValue"] == "11/24/2026 12:00 PM"
    assert full["@Microsoft.Dynamics.CRM.totalrecordcount"] == full["@odata.count"]
    assert full["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is False


async def test_one_value_of_a_row_is_read_alone(viewer: httpx.AsyncClient, abbie: str) -> None:
    where = f"{PROFILES}({guid(abbie)})"
    value = (await viewer.get(f"{where}/msdynci_city")).json()
    raw = await viewer.get(f"{where}/msdynci_city/$value")
    empty = await viewer.get(f"{where}/ttlinseconds")

    assert value["value"] == raw.text == "Seattle"
    assert (empty.status_code, empty.content) == (204, b"")


async def test_a_row_that_the_caller_has_is_not_sent_again(viewer: httpx.AsyncClient, abbie: str) -> None:
    where = f"{PROFILES}({guid(abbie)})"
    first = await viewer.get(where)
    again = await viewer.get(where, headers={"If-None-Match": first.headers["etag"]})
    nothing = await viewer.get(where, headers={"If-None-Match": "null"})
    expanded = await viewer.get(
        f"{where}?$expand=msdynci_customer_unifiedactivity", headers={"If-None-Match": first.headers["etag"]}
    )

    assert first.headers["etag"] == first.json()["@odata.etag"]
    assert [answer.status_code for answer in (again, nothing, expanded)] == [304, 200, 200]


async def test_names_and_values_may_come_encoded(viewer: httpx.AsyncClient, abbie: str) -> None:
    encoded = await viewer.get(f"{PROFILES}?%24filter=msdynci_fullname+eq+%27Abbie%20Moss%27&%24select=msdynci_city")
    aliased = await viewer.get(f"{PROFILES}?$filter=msdynci_fullname eq @p1&%40p1='Abbie Moss'&$select=msdynci_city")

    assert encoded.json()["value"] == aliased.json()["value"] != []


async def test_every_instance_has_an_address_of_its_own(viewer: httpx.AsyncClient, abbie: str) -> None:
    named = await viewer.get(f"/dataverse/{INSTANCE}{PROFILES}({guid(abbie)})")
    unknown = await viewer.get(f"/dataverse/{INSTANCE[:-1]}9{PROFILES}")

    assert named.json()["@odata.context"].startswith(f"http://testserver/dataverse/{INSTANCE}{ROOT}/$metadata#")
    assert unknown.status_code == 404


REFUSALS = [
    ("?$skip=1", 400, "0x80060888", "The query parameter $skip is not supported."),
    ("?$search=x", 400, "0x80060888", "The query parameter $search is not supported."),
    ("?$format=json", 400, "0x80060888", "The query parameter $format is not supported."),
    ("?$apply=aggregate(x)", 501, "0x80060888", "The query parameter $apply is not supported for now."),
    ("?fetchXml=<fetch/>", 501, "0x80060888", "The query parameter fetchXml is not supported for now."),
    ("?sql=SELECT 1", 501, "0x80060888", "The query parameter sql is not supported for now."),
    ("?$nix=1", 400, "0x80060888", "$nix is unknown"),
    ("?$top=1&$top=2", 400, "0x80060888", "$top is given twice"),
    ("?$top=x", 400, "0x80060888", "In $top, at position 0"),
    (
        "?$select=msdynci_nix",
        400,
        "0x80060888",
        "Could not find a property named 'msdynci_nix' on type 'Microsoft.Dynamics.CRM.msdynci_customerprofile'",
    ),
    ("?$select=msdynci_City", 400, "0x80060888", "(did you mean 'msdynci_city'?)"),
    ("?$filter=nix eq 1", 400, "0x80060888", "Could not find a property named 'nix'"),
    ("?$filter=msdynci_city eq 1", 400, "0x80060888", "1 beside the String column msdynci_city"),
    ("?$filter=msdynci_totalspend eq 'much'", 400, "0x80060888", "expected a number"),
    ("?$filter=msdynci_emailoptin eq 'maybe'", 400, "0x80060888", "expected true or false"),
    ("?$filter=msdynci_customersince gt 'soon'", 400, "0x80060888", "expected a date-time"),
    ("?$filter=msdynci_customerprofileid eq 'x'", 400, "0x80060888", "expected a GUID"),
    (f"?$filter=msdynci_customerprofileid gt {INSTANCE}", 400, "0x80060888", "expected 'eq' or 'ne'"),
    ("?$filter=msdynci_city eq msdynci_totalspend", 400, "0x80060888", "expected columns of one type"),
    ("?$filter=msdynci_city", 400, "0x80060888", "a condition such as msdynci_city ne null"),
    ("?$filter=contains(msdynci_totalspend,'1')", 400, "0x80060888", "a string column and a string"),
    ("?$filter=tolower(msdynci_city) eq 'x'", 400, "0x80060888", "found the function 'tolower'"),
    ("?$filter=msdynci_totalspend add 1 eq 2", 400, "0x80060888", "another expression"),
    ("?$filter=ttlinseconds gt 1", 400, "0x80060888", "$filter cannot name ttlinseconds"),
    ("?$orderby=modifiedon", 400, "0x80060888", "$orderby cannot name modifiedon"),
    ("?$orderby=contains(msdynci_city,'x')", 400, "0x80060888", "$orderby takes columns only"),
    ("?$filter=msdynci_city eq 'x", 400, "0x80060888", "a string that does not end"),
    ("?$filter=msdynci_lookupfield_customer/msdynci_city eq 'x'", 400, "0x80060888", "found '/'"),
    ("?$expand=nix", 400, "0x80060888", "Could not find a property named 'nix"),
    (
        "?$expand=msdynci_customer_unifiedactivity($expand=msdynci_lookupfield_customer)",
        400,
        "0x80060888",
        "leads back to msdynci_customerprofile",
    ),
    ("?$expand=msdynci_customer_unifiedactivity($skip=1)", 400, "0x80060888", "$expand takes"),
    ("?$skiptoken=x", 400, "0x80060888", "$skiptoken is not usable"),
    ("(x)", 400, "0x80060888", "expected a GUID without quotes"),
    ("()", 404, "0x8006088a", "Resource not found for the segment"),
    ("(msdynci_city='Seattle')", 400, "0x80060888", "expected one of msdynci_customerprofileid"),
    ("(msdynci_nix='Seattle')", 400, "0x80060888", "Could not find a property named 'msdynci_nix'"),
    (f"({INSTANCE})", 404, "0x80040217", f"msdynci_customerprofile With Id = {INSTANCE} Does Not Exist"),
    (f"({INSTANCE})/nix", 404, "0x80040217", "Does Not Exist"),
    ("/nix", 404, "0x8006088a", "Resource not found for the segment 'nix'."),
    ("(msdynci_customerid='x')?$top=1", 400, "0x80060888", "$top does not apply to one row"),
]


@pytest.mark.parametrize(("question", "status", "code", "said"), REFUSALS)
async def test_what_is_wrong_is_told_in_dataverses_envelope(
    viewer: httpx.AsyncClient, question: str, status: int, code: str, said: str
) -> None:
    found = await refused(viewer, PROFILES + question)

    assert found[:2] == (status, code)
    assert said in found[2]


async def test_an_unknown_set_is_an_unknown_segment(viewer: httpx.AsyncClient) -> None:
    assert await refused(viewer, f"{ROOT}/accounts") == (
        404,
        "0x8006088a",
        "Resource not found for the segment 'accounts'.",
    )


@pytest.mark.parametrize(
    ("method", "address", "status", "code", "said"),
    [
        ("GET", "/api/data/v8.0/accounts", 404, "", "GET /api/data/v8.0/accounts"),
        ("POST", "/api/search/v1.0/query", 404, "", "POST /api/search/v1.0/query"),
        ("GET", f"/dataverse/{INSTANCE}", 404, "", f"GET /dataverse/{INSTANCE}"),
        ("OPTIONS", PROFILES, 405, "0x80060888", "the address answers DELETE, GET, PATCH, POST, PUT"),
    ],
)
async def test_an_address_beside_the_api_is_refused_in_the_envelope(
    viewer: httpx.AsyncClient, method: str, address: str, status: int, code: str, said: str
) -> None:
    answer = await viewer.request(method, address)
    error = answer.json()["error"]

    assert (answer.status_code, error["code"]) == (status, code)
    assert said in error["message"]


async def test_a_link_of_another_question_does_not_go_on(viewer: httpx.AsyncClient) -> None:
    first = (await viewer.get(f"{PROFILES}?$orderby=msdynci_city", headers={"Prefer": "odata.maxpagesize=2"})).json()
    other = first["@odata.nextLink"].replace("msdynci_city", "msdynci_country")

    status, _, said = await refused(viewer, other)

    assert (status, said[:28]) == (400, "$skiptoken is not usable: it")


async def test_strangers_are_told_how_to_sign_in(client: httpx.AsyncClient) -> None:
    answer = await client.get(PROFILES, headers={"Authorization": ""})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "Send `Authorization: Bearer <token>`." in answer.json()["error"]["message"]


@pytest.fixture
def empty_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    migrate.migrate(url)
    return url


@pytest.fixture
async def empty(empty_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(Settings(home=tmp_path, database_url=empty_url)) as opened:
        yield opened


async def test_without_instances_there_is_no_default_one(empty: httpx.AsyncClient) -> None:
    status, _, said = await refused(empty, PROFILES)

    assert (status, said) == (404, "Instance 'the default one' does not exist.")
