"""The emulator's tenant: tokens as Microsoft Entra ID gives them out, and as it refuses."""

import base64
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import INSTANCE, open_client, open_service
from topcoat.clock import Clock
from topcoat.core import errors, sign_in
from topcoat.settings import Settings
from topcoat.surfaces.signed_bearers import SignedBearers, own_bearers

TENANT = "/contoso"
TOKEN = f"{TENANT}/oauth2/v2.0/token"
AUTHORIZE = f"{TENANT}/oauth2/v2.0/authorize"
CONFIGURATION = f"{TENANT}/v2.0/.well-known/openid-configuration"
RESOURCE = "http://testserver"
REDIRECT = "http://localhost:4711/back?from=here"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
APPLICATION = {
    "grant_type": "client_credentials",
    "client_id": "topcoat-contributor",
    "client_secret": "topcoat-secret",
    "scope": f"{RESOURCE}/.default",
}
QUESTION = {
    "client_id": "topcoat-viewer",
    "response_type": "code",
    "redirect_uri": REDIRECT,
    "scope": f"{RESOURCE}/.default openid profile offline_access",
    "state": "a&b <c>",
    "nonce": "once",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
TRACED = ("timestamp", "trace_id", "correlation_id")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BASE = f"/api/instances/{INSTANCE}"


@pytest.fixture
async def tenant(sqlite_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Without headers."""
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url)) as opened:
        opened.headers.clear()
        yield opened


async def ask(tenant: httpx.AsyncClient, form: dict[str, str], **changed: str | None) -> httpx.Response:
    return await tenant.post(TOKEN, data={n: v for n, v in (form | changed).items() if v is not None})


async def sign_in_as(tenant: httpx.AsyncClient, role: str, **changed: str) -> str:
    """The code, by following the page as somebody would who chooses a role."""
    page = await tenant.get(AUTHORIZE, params=QUESTION | changed)
    links = {name: unescape(href) for href, name in re.findall(r'<a href="([^"]+)">(\w+)</a>', page.text)}
    back = await tenant.get(AUTHORIZE + links[role])
    return parse_qs(urlsplit(back.headers["location"]).query)["code"][0]


def redemption(code: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": "topcoat-viewer",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        "client_info": "1",
    }


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Ocp-Apim-Subscription-Key": "topcoat-primary-key"}


async def read_roles(tenant: httpx.AsyncClient, token: str) -> Any:
    answer = await tenant.get(f"{BASE}/rbac/myrole", headers=bearer(token))
    return answer.json()["roles"] if answer.status_code == 200 else answer.json()["errorCode"]


async def test_an_application_gets_a_token_that_stands_for_it(tenant: httpx.AsyncClient) -> None:
    answer = await ask(tenant, APPLICATION)
    token = answer.json()["access_token"]

    assert answer.json().keys() == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 3599)
    assert answer.headers["cache-control"] == "no-store"
    assert await read_roles(tenant, token) == ["Contributor"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["aud"], claims["iss"], claims["azp"]) == (RESOURCE, "http://testserver/contoso/v2.0", claims["sub"])


async def test_what_an_instance_assigns_counts_for_its_tokens_too(tenant: httpx.AsyncClient) -> None:
    """S33."""
    token = (await ask(tenant, APPLICATION)).json()["access_token"]
    address = f"{BASE}/rbac/principals/topcoat-contributor/assignment"

    taken = await tenant.delete(address, headers=bearer("topcoat-administrator"))

    assert taken.status_code == 200
    assert await read_roles(tenant, token) == await read_roles(tenant, "topcoat-contributor") == "NoRole"


async def test_somebody_signs_in_on_the_page_and_stays_signed_in(tenant: httpx.AsyncClient) -> None:
    code = await sign_in_as(tenant, "Administrator")
    tokens = (await ask(tenant, redemption(code))).json()
    again = (
        await ask(
            tenant,
            {"grant_type": "refresh_token", "client_id": "topcoat-viewer", "refresh_token": tokens["refresh_token"]},
        )
    ).json()

    named = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    access = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert (named["aud"], named["nonce"], named["name"]) == ("topcoat-viewer", "once", "Topcoat Administrator")
    assert (access["scp"], access["azp"], access["oid"]) == (
        "user_impersonation",
        "topcoat-viewer",
        "topcoat-administrator",
    )
    assert [await read_roles(tenant, found["access_token"]) for found in (tokens, again)] == [["Admin"], ["Admin"]]
    assert await read_roles(tenant, tokens["id_token"]) == "NotAuthenticated"
    assert await read_roles(tenant, tokens["refresh_token"]) == "NotAuthenticated"


async def test_the_page_has_no_script_and_escapes_what_it_was_asked(tenant: httpx.AsyncClient) -> None:
    page = await tenant.get(AUTHORIZE, params=QUESTION | {"x": '"><script>alert(1)</script>'})
    refused = await tenant.get(AUTHORIZE, params=QUESTION | {"client_id": "<script>"})

    for answer in (page, refused):
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
    style = re.findall(r"<style>(.*?)</style>", page.text)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["content-security-policy"]


async def test_the_answer_goes_back_with_the_state_by_redirection_or_by_a_form(tenant: httpx.AsyncClient) -> None:
    chosen = QUESTION | {"topcoat_user": "topcoat-viewer"}

    query = await tenant.get(AUTHORIZE, params=chosen)
    form = await tenant.get(AUTHORIZE, params=chosen | {"response_mode": "form_post"})

    location = urlsplit(query.headers["location"])
    assert (query.status_code, location.netloc, location.path) == (302, "localhost:4711", "/back")
    assert parse_qs(location.query)["state"] == ["a&b <c>"]
    assert parse_qs(location.query)["from"] == ["here"]
    assert f'<form method="post" action="{REDIRECT}">' in form.text
    assert 'name="state" value="a&amp;b &lt;c&gt;"' in form.text
    assert "form-action http://localhost:4711;" in form.headers["content-security-policy"]


async def test_discovery_names_addresses_by_the_one_that_was_called(tenant: httpx.AsyncClient) -> None:
    found = (await tenant.get(CONFIGURATION, headers={"Host": "localhost:8343"})).json()
    keys = (await tenant.get(f"{TENANT}/discovery/v2.0/keys")).json()["keys"]
    asked = {"api-version": "1.1", "authorization_endpoint": f"{RESOURCE}{AUTHORIZE}"}
    instance = (await tenant.get("/common/discovery/instance", params=asked)).json()

    assert found["issuer"] == "http://localhost:8343/contoso/v2.0"
    assert found["token_endpoint"] == f"http://localhost:8343{TOKEN}"
    assert [key.keys() for key in keys] == [{"kty", "n", "e", "kid", "use", "alg"}]
    assert instance["tenant_discovery_endpoint"] == f"{RESOURCE}{CONFIGURATION}"


async def test_two_workers_sign_with_one_key_and_know_each_others_codes(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=sqlite_url)
    async with open_client(settings) as first, open_client(settings) as second:
        published = [(await worker.get(f"{TENANT}/discovery/v2.0/keys")).json() for worker in (first, second)]
        code = await sign_in_as(first, "Owner")
        tokens = (await ask(second, redemption(code))).json()

        assert published[0] == published[1]
        assert await read_roles(first, tokens["access_token"]) == ["Admin", "Owner"]


async def test_tokens_go_by_the_system_clock(tenant: httpx.AsyncClient) -> None:
    """S4: whatever the service clock says."""
    await tenant.post("/_topcoat/clock", json={"set": "2031-01-01T00:00:00Z"}, headers=bearer("topcoat-administrator"))

    token = (await ask(tenant, APPLICATION)).json()["access_token"]

    now = Clock(is_adjustable=False).system_now().timestamp()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["nbf"] <= now < claims["exp"] <= now + 3601
    assert await read_roles(tenant, token) == ["Contributor"]


REFUSED: list[tuple[dict[str, str | None], int, str, int]] = [
    ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ({"client_secret": None}, 401, "invalid_client", 7000218),
    ({"client_id": "somebody"}, 400, "unauthorized_client", 700016),
    ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ({"grant_type": None}, 400, "invalid_request", 900144),
    ({"client_id": None}, 400, "invalid_request", 900144),
    ({"scope": None}, 400, "invalid_request", 900144),
    ({"scope": RESOURCE}, 400, "invalid_scope", 1002012),
    ({"scope": f"{RESOURCE}/.default openid"}, 400, "invalid_scope", 1002012),
    ({"scope": "https://graph.microsoft.com/.default"}, 400, "invalid_resource", 500011),
    ({"scope": "http://[/.default"}, 400, "invalid_resource", 500011),
    ({"scope": f"{RESOURCE}/api/data/v9.2/.default"}, 400, "invalid_resource", 500011),
    ({"scope": f"{RESOURCE}/dataverse/contoso/.default"}, 400, "invalid_resource", 500011),
]


async def test_an_application_is_refused_in_the_vendors_shape(tenant: httpx.AsyncClient) -> None:
    correlation = "11111111-2222-4333-8444-555555555555"
    tenant.headers["client-request-id"] = correlation

    answers = [await ask(tenant, APPLICATION, **changed) for changed, *_ in REFUSED]

    told = [answer.json() for answer in answers]
    codes = [(a.status_code, c["error"], *c["error_codes"]) for a, c in zip(answers, told, strict=True)]
    assert codes == [tuple(expected) for _, *expected in REFUSED]
    for content in told:
        (number,) = content["error_codes"]
        assert content["error_description"].startswith(f"AADSTS{number}: ")
        assert content.keys() == {"error", "error_description", "error_codes", *TRACED, "error_uri"}
        assert content["correlation_id"] == correlation
        assert "topcoat-secret" not in content["error_description"]


async def test_another_tenant_a_body_that_is_no_form_and_a_repeated_parameter_are_refused(
    tenant: httpx.AsyncClient,
) -> None:
    other = await tenant.get("/fabrikam/v2.0/.well-known/openid-configuration")
    body = await tenant.post(TOKEN, json=APPLICATION)
    twice = await tenant.post(
        TOKEN,
        content=f"{urlencode(APPLICATION)}&scope=x",
        headers=FORM,
    )
    many = await ask(tenant, APPLICATION, **{f"p{n}": "x" for n in range(50)})
    foreign = await tenant.get(
        "/common/discovery/instance", params={"authorization_endpoint": "https://login.example/contoso/oauth2"}
    )
    large = await tenant.post(TOKEN, content=b"x" * (1024 * 1024 + 1), headers=FORM)

    told = [answer.json()["error_codes"] for answer in (other, body, twice, many, foreign)]
    assert told == [[90002], [900144], [9002313], [9002313], [50049]]
    assert large.status_code == 413


NOT_REDEEMED: list[tuple[dict[str, str | None], int]] = [
    ({"code": "guessed"}, 9002313),
    ({"client_id": "topcoat-owner"}, 9002313),
    ({"redirect_uri": "http://localhost:4711/other"}, 500112),
    ({"code_verifier": "w" * 43}, 501481),
    ({"code_verifier": "short"}, 501481),
    ({"code_verifier": None}, 900144),
    ({"client_secret": "wrong"}, 7000215),
    ({"scope": "openid"}, 70011),
]


async def test_a_code_is_for_who_asked_for_it(tenant: httpx.AsyncClient) -> None:
    answers = [
        await ask(tenant, redemption(await sign_in_as(tenant, "Viewer")), **changed) for changed, _ in NOT_REDEEMED
    ]

    assert [answer.json()["error_codes"] for answer in answers] == [[number] for _, number in NOT_REDEEMED]


async def test_a_code_is_good_once_also_for_who_could_not_prove_it(tenant: httpx.AsyncClient) -> None:
    codes = [await sign_in_as(tenant, "Viewer") for _ in range(2)]
    first = await ask(tenant, redemption(codes[0]))
    failed = await ask(tenant, redemption(codes[1]), code_verifier="w" * 43)

    again = [await ask(tenant, redemption(code)) for code in codes]

    assert (first.status_code, failed.status_code) == (200, 400)
    assert [answer.json()["error_codes"] for answer in again] == [[54005], [54005]]


async def test_codes_and_refresh_tokens_expire(tenant: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    code, kept = [await sign_in_as(tenant, "Viewer") for _ in range(2)]
    tokens = (await ask(tenant, redemption(kept))).json()
    form = {"grant_type": "refresh_token", "client_id": "topcoat-viewer", "refresh_token": tokens["refresh_token"]}
    system_now = Clock.system_now

    def later(clock: Clock) -> Any:
        return system_now(clock) + timedelta(hours=25)

    other = await ask(tenant, form, client_id="topcoat-owner")
    forged = await ask(tenant, form, refresh_token="a.b.c")
    monkeypatch.setattr(Clock, "system_now", later)
    expired = [await ask(tenant, redemption(code)), await ask(tenant, form)]

    assert [answer.json()["error_codes"] for answer in (other, forged, *expired)] == [
        [9002313],
        [9002313],
        [70008],
        [700082],
    ]
    assert await read_roles(tenant, tokens["access_token"]) == "NotAuthenticated"


UNSAFE = [
    "https://evil.example/back",
    "http://localhost.evil.example/",
    "http://localhost@evil.example/",
    "http://evil.example#@localhost/",
    "javascript:alert(1)",
    "//localhost/",
    "http://localhost:99999/",
    "http://localhost/\r\nX: y",
    "http://localhost/#x",
    "http://localhost/;script-src *",
    f"http://localhost/{'a' * 2048}",
]


async def test_codes_go_to_loopback_addresses_only(tenant: httpx.AsyncClient) -> None:
    for uri in UNSAFE:
        answer = await tenant.get(AUTHORIZE, params=QUESTION | {"redirect_uri": uri, "topcoat_user": "topcoat-owner"})

        assert (answer.status_code, "location" in answer.headers) == (400, False), uri
        assert "AADSTS50011" in answer.text


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/", "https://localhost/a?b=c", "http://[::1]:4711/"])
def test_any_port_and_path_of_loopback_will_do(uri: str) -> None:
    sign_in.check_redirect(uri)


WRONG_QUESTIONS = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"code_challenge": ""}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"scope": "openid"}, "invalid_scope"),
    ({"scope": ""}, "invalid_request"),
    ({"scope": "https://graph.microsoft.com/.default"}, "invalid_resource"),
    ({"scope": f"{RESOURCE}/.default api://topcoat/.default"}, "invalid_scope"),
    ({"prompt": "none"}, "login_required"),
]


async def test_a_question_that_is_wrong_is_answered_where_it_came_from(tenant: httpx.AsyncClient) -> None:
    for changed, word in WRONG_QUESTIONS:
        answer = await tenant.get(AUTHORIZE, params=QUESTION | changed)

        told = parse_qs(urlsplit(answer.headers["location"]).query)
        assert (told["error"], told["state"]) == ([word], ["a&b <c>"]), changed


async def test_a_question_of_nobody_is_answered_on_a_page(tenant: httpx.AsyncClient) -> None:
    for changed in ({"redirect_uri": ""}, {"client_id": ""}, {"client_id": "somebody"}):
        answer = await tenant.get(AUTHORIZE, params=QUESTION | changed)

        assert (answer.status_code, "AADSTS" in answer.text) == (400, True), changed


async def test_the_services_own_validator_for_entra_believes_the_tokens(tenant: httpx.AsyncClient) -> None:
    document = (await tenant.get(f"{TENANT}/discovery/v2.0/keys")).json()
    application = (await ask(tenant, APPLICATION, scope="api://topcoat/.default")).json()["access_token"]
    code = await sign_in_as(tenant, "Owner", scope="api://topcoat/user_impersonation")
    user = (await ask(tenant, redemption(code))).json()["access_token"]

    async def load() -> dict[str, Any]:
        return dict(document)

    found = [await validator(load).identify(token) for token in (application, user)]

    assert [(who.name, who.kind.value, who.role and who.role.name) for who in found] == [
        ("topcoat-contributor", "app", "CONTRIBUTOR"),
        ("topcoat-owner", "user", "OWNER"),
    ]


def validator(load: Any) -> SignedBearers:
    """As `--auth entra --auth-issuers http://testserver/contoso/v2.0 --auth-audiences api://topcoat` makes it."""
    from topcoat.outbound.jwks import Jwks

    clock = Clock(is_adjustable=False)
    known = {"http://testserver/contoso/v2.0": Jwks(load, clock)}
    return SignedBearers(known.get, ("api://topcoat",).__contains__, clock)


async def test_the_emulator_believes_nobody_elses_tokens(sqlite_url: str) -> None:
    async with open_service(sqlite_url) as service:
        signer = await service.flows.sign_in._get_signer()
        bearers = own_bearers(service.flows.sign_in.publish_keys, service.clock)
        now = int(service.clock.system_now().timestamp())
        for issuer in ("http://testserver/fabrikam/v2.0", "https://login.example/contoso/v2.0/"):
            token = signer.sign({"iss": issuer, "aud": RESOURCE, "sub": "topcoat-owner", "exp": now + 60})

            with pytest.raises(errors.NotAuthenticated, match="of an issuer that is not trusted"):
                await bearers.identify(token)


SCOPE_TEXTS = st.text("htps:/.default x[]@#\0", max_size=40)


@settings(max_examples=100)
@given(SCOPE_TEXTS | SCOPE_TEXTS.map("http://{}/.default".format))
def test_scopes_of_any_text_are_read_or_refused(text: str) -> None:
    for parse in (sign_in.parse_application_scope, sign_in.parse_user_scope):
        with contextlib.suppress(errors.SignInRefused):
            scope = parse(text, "hd.x")

            assert f"{scope.resource}/{scope.names[0]}" in text
            assert sign_in.is_resource(scope.resource)
