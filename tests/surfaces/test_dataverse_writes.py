"""Writes over the Dataverse Web API: refused by default, and real-time writes where the service takes them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from tests.conftest import headers_of, open_client, open_service
from tests.flows.test_refresh import customer, environment
from tests.flows.test_segments_and_measures import OTHER_INSTANCE
from tests.surfaces.batching import API, SERVICE
from tests.surfaces.state import read_changes, read_everything, read_profile, read_timeline
from topcoat.core import row_guids
from topcoat.flows.ingest import Ingest
from topcoat.settings import Settings

PROFILES = "msdynci_customerprofiles"
ACTIVITIES = "msdynci_unifiedactivities"
CRM = "Microsoft.Dynamics.CRM"
NOBODY = "00000000-0000-4000-8000-000000000000"
OFF = "--dataverse-writes"
BIND = "msdynci_lookupfield_customer@odata.bind"
Json = dict[str, Any]


@pytest.fixture
async def writing(sqlite_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A Contributor on a service that takes writes."""
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url, dataverse_writes=True)) as opened:
        yield opened


@pytest.fixture
def row(abbie: str) -> str:
    """The address of Abbie Moss."""
    return f"{API}/{PROFILES}({row_guids.guid_of(abbie)})"


def purchase(customer_id: str, **columns: Any) -> Json:
    return {
        "msdynci_activityid": "A-1",
        "msdynci_customerid": customer_id,
        "msdynci_activitytime": "2026-11-24T11:00:00Z",
        "msdynci_activitytype": "SalesOrder",
        "msdynci_title": "Two bags of beans",
    } | columns


def without(record: Json, *names: str) -> Json:
    return {name: value for name, value in record.items() if name not in names}


async def advance(client: httpx.AsyncClient, duration: str, admin: dict[str, str]) -> None:
    answer = await client.post("/_topcoat/clock", json={"advance": duration}, headers=admin)
    assert answer.status_code == 200, answer.text


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


async def test_a_patch_of_a_profile_is_read_at_once_and_lapses(
    writing: httpx.AsyncClient, base: str, abbie: str, row: str, admin: dict[str, str]
) -> None:
    answer = await writing.patch(row, json={"msdynci_city": "Paris", "ttlinseconds": 90}, headers={"If-Match": "*"})

    changed = await read_profile(writing, base, abbie)
    (change,) = await read_changes(writing, base, abbie)
    await advance(writing, "PT90S", admin)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["odata-entityid"] == f"http://testserver{row}"
    assert "location" not in answer.headers
    assert changed["City"] == "Paris"
    assert change["validUntil"] == "2026-11-24T12:01:30Z"
    assert change["principal"] == "topcoat-contributor"
    assert (await read_profile(writing, base, abbie))["City"] == "Seattle"


async def test_a_new_activity_is_read_at_once_and_lapses(
    writing: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    before = await read_timeline(writing, base, abbie)

    answer = await writing.post(f"{API}/{ACTIVITIES}", json=purchase(abbie, ttlinseconds=60))

    entity = answer.headers["odata-entityid"]
    newest, *others = await read_timeline(writing, base, abbie)
    shown = (await writing.get(entity)).json()
    await advance(writing, "PT1M", admin)
    assert (answer.status_code, answer.content) == (204, b"")
    assert entity == f"{SERVICE}/{ACTIVITIES}({row_guids.guid_of('A-1')})"
    assert answer.headers["location"] == entity
    assert (newest["ActivityId"], newest["Title"], others) == ("A-1", "Two bags of beans", before)
    assert (shown["msdynci_title"], shown["ttlinseconds"]) == ("Two bags of beans", 60)
    assert (await writing.get(entity)).status_code == 404
    assert await read_timeline(writing, base, abbie) == before


async def test_lifetimes_are_those_of_the_rest_api_unless_told(
    writing: httpx.AsyncClient, abbie: str, row: str
) -> None:
    await writing.patch(row, json={"msdynci_city": "Paris", "ttlinseconds": None})
    created = await writing.post(f"{API}/{ACTIVITIES}", json=purchase(abbie))

    profile = await writing.get(f"{row}/ttlinseconds")
    activity = await writing.get(f"{created.headers['location']}/ttlinseconds")
    assert profile.json()["value"] == 4 * 3600
    assert activity.json()["value"] == 30 * 24 * 3600


@pytest.mark.parametrize("key", ["msdynci_customerid='{0}'", "msdynci_customerprofileid={1},partitionid='{0}'"])
async def test_a_profile_is_changed_by_any_of_its_keys(
    writing: httpx.AsyncClient, base: str, abbie: str, key: str
) -> None:
    place = key.format(abbie, row_guids.guid_of(abbie))

    answer = await writing.patch(f"{API}/{PROFILES}({place})", json={"msdynci_city": "Paris"})

    assert answer.headers["odata-entityid"] == f"{SERVICE}/{PROFILES}({row_guids.guid_of(abbie)})"
    assert (await read_profile(writing, base, abbie))["City"] == "Paris"


async def test_the_row_comes_back_where_that_is_preferred(writing: httpx.AsyncClient, abbie: str, row: str) -> None:
    wished = {"Prefer": 'return=representation,odata.include-annotations="*"'}

    changed = await writing.patch(f"{row}?$select=msdynci_city", json={"msdynci_city": "Paris"}, headers=wished)
    created = await writing.post(
        f"{API}/{ACTIVITIES}", json=purchase(abbie), headers={"Prefer": "return=representation"}
    )

    assert (changed.status_code, changed.json()["msdynci_city"]) == (200, "Paris")
    assert "msdynci_fullname" not in changed.json()
    assert changed.headers["preference-applied"] == 'return=representation,odata.include-annotations="*"'
    assert changed.headers["odata-entityid"] == f"http://testserver{row}"
    assert (created.status_code, created.json()["msdynci_activityid"]) == (201, "A-1")
    assert created.headers["etag"] == created.json()["@odata.etag"]
    assert created.headers["location"] == f"{SERVICE}/{ACTIVITIES}({created.json()['msdynci_unifiedactivityid']})"


async def test_an_activity_that_no_read_shows_is_written_and_does_not_come_back(
    writing: httpx.AsyncClient, sqlite_url: str, tmp_path: Path
) -> None:
    """S16."""
    async with open_service(sqlite_url) as beside:
        await beside.refresh(environment(tmp_path, [customer("c1")]))
    visit, wished = purchase("c1", msdynci_entityname="Web_visits"), {"Prefer": "return=representation"}

    first = await writing.post(f"{API}/{ACTIVITIES}", json=visit, headers=wished)
    again = await writing.post(f"{API}/{ACTIVITIES}", json=visit, headers=wished)

    assert (first.status_code, again.status_code) == (204, 412)
    assert "preference-applied" not in first.headers
    assert (await writing.get(first.headers["location"])).status_code == 404


async def test_all_columns_may_be_sent_and_what_is_said_about_them(
    writing: httpx.AsyncClient, base: str, abbie: str
) -> None:
    """Reflecting clients send a row with every column, most of them null."""
    shown = (await writing.get(f"{API}/{ACTIVITIES}?$top=1")).json()["value"][0]
    nulls = dict.fromkeys(shown)
    said = {
        "@odata.type": f"#{CRM}.msdynci_unifiedactivity",
        "@odata.etag": 'W/"1"',
        "msdynci_activitytime@OData.Community.Display.V1.FormattedValue": "11/24/2026",
    }

    answer = await writing.post(f"{API}/{ACTIVITIES}", json=nulls | said | purchase(abbie))

    assert answer.status_code == 204, answer.text
    assert (await read_timeline(writing, base, abbie))[0]["ActivityId"] == "A-1"


async def test_null_is_a_value_of_a_profiles_column_and_none_of_its_keys(
    writing: httpx.AsyncClient, base: str, abbie: str, row: str
) -> None:
    """S7."""
    body = {"msdynci_city": None, "msdynci_customerid": None, "msdynci_customerprofileid": None, "createdon": None}

    answer = await writing.patch(row, json=body)

    assert answer.status_code == 204, answer.text
    assert (await read_profile(writing, base, abbie))["City"] is None
    assert list((await read_changes(writing, base, abbie))[0]["columns"]) == ["City"]


async def test_a_profile_may_be_told_by_its_own_id_again(writing: httpx.AsyncClient, abbie: str, row: str) -> None:
    body = {
        "msdynci_customerprofileid": f"{{{str(row_guids.guid_of(abbie)).upper()}}}",
        "partitionid": abbie,
        "msdynci_city": "Paris",
    }

    assert (await writing.patch(row, json=body)).status_code == 204


@pytest.mark.parametrize(
    "profile",
    [
        f"/{PROFILES}({{guid}})",
        f"{PROFILES}({{guid}})",
        f"{SERVICE}/{PROFILES}({{guid}})",
        f"{API}/{PROFILES}({{guid}})",
        f"/{PROFILES}(msdynci_customerid='{{id}}')",
    ],
)
async def test_an_activity_may_be_bound_to_its_customer(
    writing: httpx.AsyncClient, base: str, abbie: str, profile: str
) -> None:
    bound = profile.format(guid=row_guids.guid_of(abbie), id=abbie)
    record = without(purchase(abbie), "msdynci_customerid") | {
        BIND: bound,
        "msdynci_lookupfield_customerpid": abbie,
    }

    answer = await writing.post(f"{API}/{ACTIVITIES}", json=record)

    assert answer.status_code == 204, answer.text
    assert (await read_timeline(writing, base, abbie))[0]["ActivityId"] == "A-1"


@pytest.mark.parametrize(
    "activity_id", [None, "3f2b1c00-1111-4222-8333-444455556666", "3f2b1c00111142228333444455556666"]
)
async def test_an_activity_may_bring_its_guid(
    writing: httpx.AsyncClient, base: str, abbie: str, activity_id: str | None
) -> None:
    guid = "3f2b1c00-1111-4222-8333-444455556666"
    record = purchase(abbie, msdynci_activityid=activity_id, msdynci_unifiedactivityid=guid)

    answer = await writing.post(f"{API}/{ACTIVITIES}", json=record)

    assert answer.headers["location"] == f"{SERVICE}/{ACTIVITIES}({guid})"
    assert (await read_timeline(writing, base, abbie))[0]["ActivityId"] == (activity_id or guid)


async def test_a_guid_that_stands_for_another_activity_is_taken(writing: httpx.AsyncClient, abbie: str) -> None:
    await writing.post(f"{API}/{ACTIVITIES}", json=purchase(abbie))
    record = without(purchase(abbie), "msdynci_activityid")

    answer = await writing.post(
        f"{API}/{ACTIVITIES}", json=record | {"msdynci_unifiedactivityid": str(row_guids.guid_of("A-1"))}
    )

    assert error_of(answer) == (412, "0x80060892", "A record with matching key values already exists.")


async def test_an_activity_that_exists_is_412_and_stays(writing: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S13."""
    await writing.post(f"{API}/{ACTIVITIES}", json=purchase(abbie))
    before = await read_everything(writing, base, abbie)

    answer = await writing.post(f"{API}/{ACTIVITIES}", json=purchase(abbie, msdynci_title="Another"))

    assert error_of(answer) == (412, "0x80060892", "A record with matching key values already exists.")
    assert await read_everything(writing, base, abbie) == before


async def test_a_change_may_be_of_what_was_read_and_nothing_newer(writing: httpx.AsyncClient, row: str) -> None:
    tag = (await writing.get(row)).headers["etag"]

    first = await writing.patch(row, json={"msdynci_city": "Paris"}, headers={"If-Match": f'W/"1", {tag}'})
    second = await writing.patch(row, json={"msdynci_city": "Rome"}, headers={"If-Match": tag})

    city = await writing.get(f"{row}/msdynci_city")
    assert first.status_code == 204
    assert error_of(second)[:2] == (412, "0x80060882")
    assert city.json()["value"] == "Paris"


async def test_none_match_is_a_condition_unless_it_is_null(writing: httpx.AsyncClient, row: str) -> None:
    changes = {"msdynci_city": "Paris"}
    tag = (await writing.get(row)).headers["etag"]

    answers = [await writing.patch(row, json=changes, headers={"If-None-Match": given}) for given in ("*", tag, "null")]

    assert [answer.status_code for answer in answers] == [412, 412, 204]
    assert error_of(answers[0])[1:] == ("0x80060892", "A record with matching key values already exists.")


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": "*"}])
async def test_a_profile_is_not_made_by_an_upsert(writing: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await writing.patch(f"{API}/{PROFILES}({NOBODY})", json={"msdynci_city": "Paris"}, headers=headers)

    status, code, message = error_of(answer)
    assert (status, code) == (404, "0x80040217")
    assert message == (
        f"msdynci_customerprofile With Id = {NOBODY} Does Not Exist; a write changes profiles, and refreshes make them."
    )


async def test_an_update_of_a_profile_that_is_not_there_is_404(writing: httpx.AsyncClient) -> None:
    answer = await writing.patch(
        f"{API}/{PROFILES}({NOBODY})", json={"msdynci_city": "Paris"}, headers={"If-Match": "*"}
    )

    assert error_of(answer) == (404, "0x80040217", f"msdynci_customerprofile With Id = {NOBODY} Does Not Exist")


BAD_CHANGES: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "A change must name at least one column of table msdynci_customerprofile."),
    "a lifetime alone": ({"ttlinseconds": 60}, "at least one column of table msdynci_customerprofile"),
    "an unknown column": (
        {"msdynci_cty": "x"},
        "Could not find a property named 'msdynci_cty' on type 'Microsoft.Dynamics.CRM.msdynci_customerprofile' (did",
    ),
    "a name of ours": ({"City": "x"}, "Could not find a property named 'City'"),
    "a key": ({"msdynci_customerid": "x"}, "msdynci_customerid of table msdynci_customerprofile is a key and cannot"),
    "another row": (
        {"msdynci_city": "x", "msdynci_customerprofileid": NOBODY},
        f"Column msdynci_customerprofileid is {NOBODY}; expected that of the row, ",
    ),
    "no GUID": (
        {"msdynci_customerprofileid": "x"},
        "Column msdynci_customerprofileid of table msdynci_customerprofile got the string 'x'; expected a GUID.",
    ),
    "another partition": ({"msdynci_city": "x", "partitionid": "x"}, "Column partitionid names 'x'; expected"),
    "a read-only column": ({"createdon": "2026-01-01T00:00:00Z"}, "Column createdon is read-only."),
    "a version": ({"versionnumber": 1}, "Column versionnumber is read-only."),
    "a wrong type": (
        {"msdynci_city": 7},
        "Column msdynci_city of table msdynci_customerprofile got the number 7; expected a string without control",
    ),
    "a wrong date": (
        {"msdynci_dateofbirth": "soon"},
        "got the string 'soon'; expected a date such as 2026-12-24.",
    ),
    "a binding": (
        {BIND: "/x"},
        "Could not find a property named 'msdynci_lookupfield_customer@odata.bind'",
    ),
    "another type": (
        {"@odata.type": f"{CRM}.account", "msdynci_city": "x"},
        "@odata.type is the string 'Microsoft.Dynamics.CRM.account'; expected 'Microsoft.Dynamics.CRM.msdynci_cust",
    ),
    "no time": ({"msdynci_city": "x", "ttlinseconds": 0}, "got the number 0; expected an integer from 1 to 2592000"),
    "too much time": ({"msdynci_city": "x", "ttlinseconds": 2_592_001}, "expected an integer from 1 to 2592000, which"),
    "half a second": (
        {"msdynci_city": "x", "ttlinseconds": 0.5},
        "got the number 0.5; expected an integer",
    ),
    "time as a text": ({"msdynci_city": "x", "ttlinseconds": "60"}, "got the string '60'"),
    "time as a truth": ({"msdynci_city": "x", "ttlinseconds": True}, "got the boolean true"),
    "no object": ([], "The body is an array; expected one JSON object."),
}


@pytest.mark.parametrize(("body", "message"), BAD_CHANGES.values(), ids=BAD_CHANGES)
async def test_a_change_that_is_wrong_is_400_and_changes_nothing(
    writing: httpx.AsyncClient, base: str, abbie: str, row: str, body: Any, message: str
) -> None:
    answer = await writing.patch(row, json=body)

    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert await read_changes(writing, base, abbie) == []


OTHER_GUID = {"msdynci_unifiedactivityid": "3f2b1c00-1111-4222-8333-444455556666"}
BAD_ACTIVITIES: dict[str, tuple[Json, int, str]] = {
    "no customer": (
        {"msdynci_customerid": None},
        400,
        "Column msdynci_customerid of table msdynci",
    ),
    "no time": ({"msdynci_activitytime": None}, 400, "Column msdynci_activitytime of table"),
    "a wrong time": (
        {"msdynci_activitytime": "noon"},
        400,
        "got the string 'noon'; expected a date-time",
    ),
    "an empty id": (
        {"msdynci_activityid": ""},
        400,
        "got the string ''; expected a text of 1 to 100 characters",
    ),
    "a stranger": ({"msdynci_customerid": "nobody"}, 400, "CustomerId 'nobody' names no unified profile."),
    "two ids": (OTHER_GUID, 400, "Column msdynci_unifiedactivityid is 3f2b1c00-1111-4222-8333-444455556666; expected "),
    "two customers": (
        {
            "msdynci_customerid": "x",
            BIND: f"/{PROFILES}(msdynci_customerid='{{}}')",
        },
        400,
        "Column msdynci_lookupfield_customer@odata.bind names ",
    ),
    "another partition": (
        {"msdynci_lookupfield_customerpid": "x"},
        400,
        "Column msdynci_lookupfield_customerpid names",
    ),
    "a partition that is no text": ({"partitionid": 7}, 400, "got the number 7; expected a string."),
    "a lookup": (
        {"_msdynci_lookupfield_customer_value": NOBODY},
        400,
        "is written by msdynci_lookupfield_customer@",
    ),
    "a column that is not kept": ({"msdynci_rangeindex": "1"}, 400, "Column msdynci_rangeindex is read-only."),
    "a strange binding": ({"msdynci_activity@odata.bind": "/x"}, 400, "named 'msdynci_activity@odata.bind' on type"),
    "bound to nobody": (
        {BIND: f"/{PROFILES}({NOBODY})"},
        404,
        f"msdynci_customerprofile With Id = {NOBODY} Does Not Exist",
    ),
    "bound to a table": (
        {BIND: f"/{PROFILES}"},
        400,
        f"@odata.bind is '/{PROFILES}'; expected the address of a profile such as /{PROFILES}(<guid>).",
    ),
    "bound to an activity": (
        {BIND: f"/{ACTIVITIES}({NOBODY})"},
        400,
        "expected the",
    ),
    "bound elsewhere": (
        {BIND: f"https://elsewhere.example{API}/{PROFILES}({NOBODY})"},
        400,
        f"is not under {SERVICE}.",
    ),
    "bound outside of a batch": (
        {BIND: "$1"},
        400,
        "'$1' does not exist",
    ),
    "bound to a number": ({BIND: 7}, 400, "got the number 7; expected a string."),
}


@pytest.mark.parametrize(("columns", "status", "message"), BAD_ACTIVITIES.values(), ids=BAD_ACTIVITIES)
async def test_an_activity_that_is_wrong_is_refused_and_not_stored(
    writing: httpx.AsyncClient, base: str, abbie: str, columns: Json, status: int, message: str
) -> None:
    before = await read_timeline(writing, base, abbie)
    given = {name: value.format(abbie) if isinstance(value, str) else value for name, value in columns.items()}

    answer = await writing.post(f"{API}/{ACTIVITIES}", json=purchase(abbie) | given)

    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]
    assert await read_timeline(writing, base, abbie) == before


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("$select=nonsense", "Could not find a property named 'nonsense'"),
        ("$filter=x eq 1", "$filter does not apply to one row."),
        ("$skip=1", "The query parameter $skip is not supported."),
        ("asOf=2026-11-24T00:00:00Z", "asOf does not apply to a write."),
    ],
)
async def test_options_are_checked_before_anything_is_written(
    writing: httpx.AsyncClient, base: str, abbie: str, row: str, query: str, message: str
) -> None:
    answer = await writing.patch(f"{row}?{query}", json={"msdynci_city": "Paris"})

    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert await read_changes(writing, base, abbie) == []


@pytest.mark.parametrize("header", ["MSCRMCallerID", "CallerObjectId"])
async def test_nobody_writes_in_the_name_of_another(writing: httpx.AsyncClient, row: str, header: str) -> None:
    answer = await writing.patch(row, json={"msdynci_city": "Paris"}, headers={header: NOBODY})

    status, code, message = error_of(answer)
    assert (status, code) == (403, "0x80040220")
    assert "prvActOnBehalfOfAnotherUser" in message


async def test_writes_take_the_role_that_they_take_over_the_rest_api(
    writing: httpx.AsyncClient, abbie: str, row: str
) -> None:
    viewer = headers_of("viewer")

    answers = [
        await writing.patch(row, json={"msdynci_city": "Paris"}, headers=viewer),
        await writing.post(f"{API}/{ACTIVITIES}", json=purchase(abbie), headers=viewer),
    ]

    assert [error_of(answer)[:2] for answer in answers] == [(403, "0x80040220")] * 2
    assert error_of(answers[0])[2] == "The role Viewer may not do this; it takes Contributor or above."


async def test_several_activities_are_created_at_once(writing: httpx.AsyncClient, base: str, abbie: str) -> None:
    targets = [
        purchase(abbie, msdynci_activityid=name) | {"@odata.type": f"{CRM}.msdynci_unifiedactivity"}
        for name in ("A-1", "A-2")
    ] + [without(purchase(abbie), "msdynci_activityid")]

    answer = await writing.post(f"{API}/{ACTIVITIES}/{CRM}.CreateMultiple", json={"Targets": targets})

    ids = answer.json()["Ids"]
    newest = {record["ActivityId"] for record in (await read_timeline(writing, base, abbie))[:3]}
    assert answer.status_code == 200
    assert ids[:2] == [str(row_guids.guid_of("A-1")), str(row_guids.guid_of("A-2"))]
    assert newest == {"A-1", "A-2", ids[2]}


async def test_several_profiles_are_changed_at_once(writing: httpx.AsyncClient) -> None:
    listed = (await writing.get(f"{API}/{PROFILES}?$select=msdynci_customerid&$top=3")).json()["value"]
    targets = [
        {"msdynci_customerprofileid": one["msdynci_customerprofileid"], "msdynci_city": f"City {n}"}
        for n, one in enumerate(listed)
    ]

    answer = await writing.post(f"{API}/{PROFILES}/{CRM}.UpdateMultiple", json={"Targets": targets})

    rows = (await writing.get(f"{API}/{PROFILES}?$filter=startswith(msdynci_city,'City ')")).json()["value"]
    assert (answer.status_code, answer.content) == (204, b"")
    assert sorted(shown["msdynci_city"] for shown in rows) == ["City 0", "City 1", "City 2"]


async def test_a_target_that_is_wrong_keeps_all_from_being_written(
    writing: httpx.AsyncClient, base: str, abbie: str
) -> None:
    before = await read_everything(writing, base, abbie)
    activities = [purchase(abbie), purchase(abbie, msdynci_activityid="A-2", msdynci_activitytime="noon")]
    profiles = [
        {"msdynci_customerprofileid": str(row_guids.guid_of(abbie)), "msdynci_city": "Paris"},
        {"msdynci_customerprofileid": NOBODY, "msdynci_city": "Paris"},
    ]

    created = await writing.post(f"{API}/{ACTIVITIES}/{CRM}.CreateMultiple", json={"Targets": activities})
    updated = await writing.post(f"{API}/{PROFILES}/{CRM}.UpdateMultiple", json={"Targets": profiles})

    assert error_of(created)[:2] == (400, "0x80060888")
    assert error_of(created)[2].startswith("Targets[1]: Column msdynci_activitytime of table msdynci_unifiedactivity")
    assert error_of(updated) == (
        404,
        "0x80040217",
        f"Targets[1]: msdynci_customerprofile With Id = {NOBODY} Does Not Exist. Of 2 targets 0 were written.",
    )
    assert await read_everything(writing, base, abbie) == before


async def test_a_target_that_is_refused_later_leaves_the_others_written(
    writing: httpx.AsyncClient, base: str, abbie: str
) -> None:
    await writing.post(f"{API}/{ACTIVITIES}", json=purchase(abbie))
    targets = [purchase(abbie, msdynci_activityid=name) for name in ("A-0", "A-1", "A-2")]

    answer = await writing.post(f"{API}/{ACTIVITIES}/{CRM}.CreateMultiple", json={"Targets": targets})

    newest = {record["ActivityId"] for record in (await read_timeline(writing, base, abbie))[:3]}
    assert error_of(answer) == (
        412,
        "0x80060892",
        "Targets[1]: A record with matching key values already exists. Of 3 targets 2 were written.",
    )
    assert newest == {"A-0", "A-1", "A-2"}


async def test_a_defect_is_no_refusal_of_a_target(
    writing: httpx.AsyncClient, abbie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Ingest, "ingest_activity", fail)

    with capture_logs() as events:
        answer = await writing.post(f"{API}/{ACTIVITIES}/{CRM}.CreateMultiple", json={"Targets": [purchase(abbie)]})

    assert answer.status_code == 500
    assert [event["event"] for event in events if event["log_level"] == "error"] == ["call_failed"]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (None, "Targets is null; expected an array of 1 to 1000 rows."),
        ([], "Targets is an array of 0; expected"),
        ([{}] * 1001, "Targets is an array of 1001; expected an array of 1 to 1000 rows."),
        ([7], "Targets[0] is the number 7; expected a row."),
        ([{"msdynci_city": "x"}], "Targets[0]: Column msdynci_customerprofileid is missing; it names the row."),
        (
            [{"msdynci_customerprofileid": "{}", "msdynci_city": "x"}] * 2,
            "Targets names a row twice; expected each row once.",
        ),
    ],
)
async def test_targets_that_are_none_are_refused(
    writing: httpx.AsyncClient, base: str, abbie: str, targets: Any, message: str
) -> None:
    for target in targets or []:
        if isinstance(target, dict) and "msdynci_customerprofileid" in target:
            target["msdynci_customerprofileid"] = str(row_guids.guid_of(abbie))

    answer = await writing.post(f"{API}/{PROFILES}/{CRM}.UpdateMultiple", json={"Targets": targets})

    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert await read_changes(writing, base, abbie) == []


TAKEN = [
    ("PATCH", "{profile}", "prvWritemsdynci_customerprofile"),
    ("PATCH", f"{PROFILES}(msdynci_customerid='x')", "prvWritemsdynci_customerprofile"),
    ("POST", f"{PROFILES}/{CRM}.UpdateMultiple", "prvWritemsdynci_customerprofile"),
    ("POST", ACTIVITIES, "prvCreatemsdynci_unifiedactivity"),
    ("POST", f"{ACTIVITIES}/{CRM}.CreateMultiple", "prvCreatemsdynci_unifiedactivity"),
]
NEVER = [
    ("POST", PROFILES, 403, "prvCreatemsdynci_customerprofile"),
    ("PUT", "{profile}", 403, "prvWritemsdynci_customerprofile"),
    ("DELETE", "{profile}", 403, "prvDeletemsdynci_customerprofile"),
    ("PUT", "{profile}/msdynci_city", 403, "prvWritemsdynci_customerprofile"),
    ("PATCH", "{profile}/msdynci_city", 403, "prvWritemsdynci_customerprofile"),
    ("DELETE", "{profile}/msdynci_city", 403, "prvWritemsdynci_customerprofile"),
    ("POST", "{profile}/msdynci_customer_unifiedactivity", 403, "prvCreatemsdynci_customerprofile"),
    ("POST", "{profile}/msdynci_customer_unifiedactivity/$ref", 403, "prvAppendmsdynci_customerprofile"),
    ("DELETE", f"{ACTIVITIES}({NOBODY})/msdynci_lookupfield_customer/$ref", 403, "prvAppendmsdynci_unifiedactivity"),
    ("PATCH", f"{ACTIVITIES}({NOBODY})", 403, "prvWritemsdynci_unifiedactivity"),
    ("DELETE", f"{ACTIVITIES}({NOBODY})", 403, "prvDeletemsdynci_unifiedactivity"),
    ("POST", "msdynci_segmentmemberships", 403, "prvCreatemsdynci_segmentmembership"),
    ("PATCH", f"msdynci_alternatekeys({NOBODY})", 403, "prvWritemsdynci_alternatekey"),
    ("POST", f"{PROFILES}/{CRM}.CreateMultiple", 403, "prvCreatemsdynci_customerprofile"),
    ("POST", f"{PROFILES}/{CRM}.UpsertMultiple", 403, "prvWritemsdynci_customerprofile"),
    ("POST", f"{PROFILES}/{CRM}.DeleteMultiple", 403, "prvDeletemsdynci_customerprofile"),
    ("POST", f"{ACTIVITIES}/{CRM}.UpdateMultiple", 403, "prvWritemsdynci_unifiedactivity"),
    ("POST", "BulkDelete", 403, "prvBulkDelete"),
    ("POST", "CreateEntities", 403, "prvCreateEntity"),
    ("PATCH", PROFILES, 405, "PATCH is not supported here; the address answers GET, POST."),
    ("DELETE", PROFILES, 405, "the address answers GET, POST."),
    ("PUT", ACTIVITIES, 405, "the address answers GET, POST."),
    ("POST", "{profile}", 405, "POST is not supported here; the address answers GET, PATCH, PUT, DELETE."),
    ("POST", f"{PROFILES}/$count", 405, "the address answers GET."),
    ("POST", "", 405, "the address answers GET."),
    ("POST", "$metadata", 405, "the address answers GET."),
    ("POST", "EntityDefinitions", 405, "the address answers GET."),
    ("PUT", f"EntityDefinitions({NOBODY})", 405, "the address answers GET."),
    ("DELETE", f"EntityDefinitions({NOBODY})/Attributes({NOBODY})", 405, "the address answers GET."),
    ("POST", "RelationshipDefinitions", 405, "the address answers GET."),
    ("POST", "GlobalOptionSetDefinitions", 405, "the address answers GET."),
    ("POST", "WhoAmI", 404, f"No HTTP resource was found that matches the request URI '{SERVICE}/WhoAmI' with POST"),
    ("POST", "WhoAmI()", 404, "functions take GET."),
    ("POST", "accounts", 404, "Resource not found for the segment 'accounts'."),
    ("PATCH", f"accounts({NOBODY})", 404, "Resource not found for the segment 'accounts'."),
    ("POST", "new_Action", 404, "Resource not found for the segment 'new_Action'."),
    ("POST", f"{PROFILES}()", 404, f"Resource not found for the segment '{PROFILES}'."),
    ("POST", f"{PROFILES}/{CRM}.Merge", 404, "Resource not found for the segment 'Microsoft.Dynamics.CRM.Merge'."),
    ("PUT", "{profile}/nonsense", 404, "Resource not found for the segment 'nonsense'."),
]
CODES = {403: "0x80040220", 405: "0x80060888", 404: "0x8006088a"}


async def test_writes_are_refused_by_default_and_the_way_to_allow_them_is_told(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    before = await read_everything(client, base, abbie)
    profile = f"{PROFILES}({row_guids.guid_of(abbie)})"

    answers = [
        (await client.request(method, f"{API}/{path.format(profile=profile)}", json={}), privilege)
        for method, path, privilege in TAKEN
    ]

    for answer, privilege in answers:
        status, code, message = error_of(answer)
        assert (status, code) == (403, "0x80040220")
        assert message.startswith(f"Principal user is missing {privilege} privilege: ")
        assert OFF in message
    assert await read_everything(client, base, abbie) == before


@pytest.mark.parametrize("takes_writes", [False, True])
async def test_what_is_never_written_is_refused_whatever_the_service_takes(
    sqlite_url: str, tmp_path: Path, base: str, abbie: str, takes_writes: bool
) -> None:
    profile = f"{PROFILES}({row_guids.guid_of(abbie)})"
    settings = Settings(home=tmp_path, database_url=sqlite_url, dataverse_writes=takes_writes)
    async with open_client(settings) as opened:
        before = await read_everything(opened, base, abbie)
        for method, path, status, text in NEVER:
            answer = await opened.request(method, f"{API}/{path.format(profile=profile)}", json={})

            found, code, message = error_of(answer)
            is_function = path.startswith("WhoAmI")
            assert (found, code) == (status, "" if is_function else CODES[status]), (method, path, message)
            assert text in message
            assert (OFF in message) == (status == 403 and not takes_writes)
        assert await read_everything(opened, base, abbie) == before


async def test_a_file_is_not_taken(client: httpx.AsyncClient, row: str) -> None:
    headers = {"Content-Type": "application/octet-stream", "x-ms-file-name": "a.png", "If-None-Match": "null"}

    answer = await client.patch(f"{row}/msdynci_city", content=b"\x89PNG", headers=headers)

    assert error_of(answer)[:2] == (403, "0x80040220")


async def test_strangers_to_an_instance_write_nothing(writing: httpx.AsyncClient, abbie: str) -> None:
    answer = await writing.post(f"/dataverse/{OTHER_INSTANCE}{API}/{ACTIVITIES}", json=purchase(abbie))

    assert answer.status_code == 404
