"""The service beyond the emulator: signed tokens, roles by assignment, groups and application roles, own keys."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.conftest import INSTANCE, headers_of, open_client, open_service
from tests.surfaces.issuing import AUDIENCE, Issuer, ec_key, published
from topcoat.settings import Settings

BASE = f"/api/instances/{INSTANCE}"
KEYS = f"{BASE}/manage/subscriptionkeys"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer(keys={"first": ec_key("first")})
    with published(made):
        yield made


@asynccontextmanager
async def serving(sqlite_url: str, home: Path, issuer: Issuer, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        home=home, database_url=sqlite_url, auth="entra", auth_issuers=issuer.name, auth_audiences=AUDIENCE, **more
    )
    async with open_client(settings) as opened:
        opened.headers.clear()
        yield opened


@pytest.fixture
async def service(sqlite_url: str, tmp_path: Path, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(sqlite_url, tmp_path, issuer) as opened:
        yield opened


def bearer(issuer: Issuer, key: str | None = None, **claims: Any) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {issuer.token(datetime.now(UTC), **claims)}"}
    return headers if key is None else headers | {"Ocp-Apim-Subscription-Key": key}


def administrator(issuer: Issuer, key: str | None = None) -> dict[str, str]:
    return bearer(issuer, key, sub="root", roles=["Topcoat.Administrator"])


async def make_key(service: httpx.AsyncClient, issuer: Issuer) -> str:
    answer = await service.post(f"{KEYS}/primary/regenerate", headers=administrator(issuer))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["key"])


async def assign(service: httpx.AsyncClient, headers: dict[str, str], principal: str, **body: Any) -> httpx.Response:
    return await service.put(f"{BASE}/rbac/principals/{principal}/assignment", json=body, headers=headers)


async def read_roles(service: httpx.AsyncClient, headers: dict[str, str]) -> Any:
    answer = await service.get(f"{BASE}/rbac/myrole", headers=headers)
    return answer.json()["roles"] if answer.status_code == 200 else answer.json()["errorCode"]


async def test_nothing_of_the_emulator_is_there(service: httpx.AsyncClient, issuer: Issuer, tmp_path: Path) -> None:
    """S4."""
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "ca.pem").touch()
    well_known = headers_of("owner")
    believed = administrator(issuer, well_known["Ocp-Apim-Subscription-Key"])

    token = await service.get(f"{BASE}/data/Customer", headers=well_known)
    key = await service.get(f"{BASE}/data/Customer", headers=believed)
    own = ("/_topcoat/clock", "/_topcoat/ca.pem", "/contoso/v2.0/.well-known/openid-configuration")
    missing = [(await service.get(path, headers=believed)).status_code for path in own]
    assigned = await service.get(f"{BASE}/manage/subscriptionkeys", headers=believed)

    assert [token.status_code, key.status_code, *missing] == [401, 401, 404, 404, 404]
    assert [state["state"] for state in assigned.json()["keys"]] == ["none", "none"]


async def test_an_administrator_by_application_role_opens_an_instance_and_assigns_roles(
    service: httpx.AsyncClient, issuer: Issuer, abbie: str
) -> None:
    key = await make_key(service, issuer)
    headers = administrator(issuer, key)
    ada = bearer(issuer, key, sub="ada", groups=["owls"])

    before = await read_roles(service, ada)
    await assign(service, headers, "owls", principalType="group", roles=["Viewer"])
    by_group = await read_roles(service, ada)
    listed = await service.get("/api/instances", headers=ada)
    changed = await service.patch(f"{BASE}/data/Customer/{abbie}", json={"City": "Paris"}, headers=ada)
    await assign(service, headers, "ada", principalType="user", roles=["Contributor"])
    by_name = await read_roles(service, ada)
    again = await service.patch(f"{BASE}/data/Customer/{abbie}", json={"City": "Paris"}, headers=ada)
    changes = await service.get(f"{BASE}/changes", params={"customerId": abbie}, headers=ada)

    assert (before, by_group, by_name) == ("NoRole", ["Viewer"], ["Contributor"])
    assert [instance["instanceId"] for instance in listed.json()] == [INSTANCE]
    assert [changed.status_code, again.status_code] == [403, 204]
    assert [change["principal"] for change in changes.json()["value"]] == ["ada"]


async def test_an_application_has_the_roles_assigned_to_it_and_its_users_do_not(
    service: httpx.AsyncClient, issuer: Issuer
) -> None:
    key = await make_key(service, issuer)
    await assign(service, administrator(issuer, key), "client", principalType="app", roles=["Contributor"])

    itself = await read_roles(service, bearer(issuer, key, sub="client", azp="client"))
    user = await read_roles(service, bearer(issuer, key, sub="ada", azp="client"))

    assert (itself, user) == (["Contributor"], "NoRole")


async def test_before_there_is_any_instance_a_token_is_enough(sqlite_url: str, tmp_path: Path, issuer: Issuer) -> None:
    async with open_service(sqlite_url) as stored, stored.store.writing() as connection:
        await connection.run(text("DELETE FROM instance"))

    async with serving(sqlite_url, tmp_path, issuer) as service:
        listed = await service.get("/api/instances", headers=administrator(issuer))
        nobody = await service.get("/api/instances", headers=bearer(issuer))
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url)) as emulator:
        well_known = await emulator.get("/api/instances")
        wrong = await emulator.get("/api/instances", headers={"Ocp-Apim-Subscription-Key": "wrong"})

    assert (listed.status_code, listed.json()) == (200, [])
    assert (nobody.status_code, nobody.json()["errorCode"]) == (403, "NoRole")
    assert (well_known.status_code, well_known.json(), wrong.status_code) == (200, [], 401)


async def test_the_last_owner_stays(service: httpx.AsyncClient, issuer: Issuer) -> None:
    key = await make_key(service, issuer)
    headers = administrator(issuer, key)

    first = await service.get(f"{BASE}/rbac/assignments", headers=headers)
    await assign(service, headers, "ada", roles=["Owner"])
    refused = await service.delete(f"{BASE}/rbac/principals/ada/assignment", headers=headers)
    await assign(service, headers, "bob", roles=["Owner"])
    allowed = await service.delete(f"{BASE}/rbac/principals/ada/assignment", headers=headers)

    assert first.json() == []
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "LastOwner")
    assert allowed.status_code == 200


async def test_a_refusal_says_why_as_the_standard_has_it(service: httpx.AsyncClient, issuer: Issuer) -> None:
    expired = await service.get(BASE, headers=bearer(issuer, "key", exp=1))
    missing = await service.get(BASE, headers={"Ocp-Apim-Subscription-Key": "key"})

    assert (expired.status_code, missing.status_code) == (401, 401)
    assert expired.headers["www-authenticate"] == (
        'Bearer realm="topcoat", error="invalid_token", error_description="The bearer token has expired."'
    )
    assert missing.headers["www-authenticate"] == 'Bearer realm="topcoat"'
    assert expired.json()["message"].startswith("The bearer token has expired. Send `Authorization: Bearer <token>`")


async def test_a_stranger_to_every_instance_is_told_nothing(service: httpx.AsyncClient, issuer: Issuer) -> None:
    key = await make_key(service, issuer)
    nobody = bearer(issuer, key, sub="nobody")

    answers = [
        await service.get(path, headers=nobody) for path in ("/api/instances", BASE, f"{BASE}/data/Customer", KEYS)
    ]
    unknown = await service.get("/api/instances/nope", headers=administrator(issuer, key))

    assert [answer.status_code for answer in answers] == [403, 403, 403, 403]
    assert unknown.status_code == 401


async def test_an_issuer_that_does_not_answer_is_not_the_callers_fault(sqlite_url: str, tmp_path: Path) -> None:
    gone = Issuer(keys={"first": ec_key("first")})
    with published(gone):
        pass

    async with serving(sqlite_url, tmp_path, gone) as service:
        answer = await service.get(BASE, headers=bearer(gone, "key"))

    assert (answer.status_code, answer.json()["errorCode"]) == (503, "IssuerUnreachable")
    assert answer.headers["retry-after"] == "5"


async def test_keys_can_come_from_an_address_of_their_own(sqlite_url: str, tmp_path: Path, issuer: Issuer) -> None:
    async with serving(sqlite_url, tmp_path, issuer, auth_jwks=f"{issuer.name}/keys") as service:
        answer = await service.get(KEYS, headers=administrator(issuer))

    assert answer.status_code == 200


async def test_pages_are_for_those_whom_a_token_names(service: httpx.AsyncClient, issuer: Issuer) -> None:
    """The first page has the instances in which its bearer has a role, and none of the emulator's choices."""
    key = await make_key(service, issuer)
    await assign(service, administrator(issuer, key), "anna", roles=["Viewer"])
    seen = {name: await service.get("/", headers=bearer(issuer, sub=name)) for name in ("anna", "otto")}
    card = await service.get(f"/card/{INSTANCE}", headers=bearer(issuer, sub="anna"))

    assert [answer.status_code for answer in (*seen.values(), card)] == [200, 403, 200]
    assert f"/console/{INSTANCE}" in seen["anna"].text
    assert all(choice not in seen["anna"].text for choice in ("Service clock", 'id="role"'))
    assert "topcoat-viewer" not in card.text
