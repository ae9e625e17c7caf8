"""The same service with https beside http, by a certificate that the local CA made."""

import asyncio
import json
import os
import re
import shutil
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract import environments
from tests.contract.conftest import shared_by_workers
from tests.contract.installation import INSTANCE_ID, Installation, Server, headers
from topcoat.clock import Clock
from topcoat.core.roles import PrincipalKind, Role
from topcoat.settings import Settings
from topcoat.surfaces import signed_bearers

IDENTITY_CLIENT = Path(__file__).parent / "identity_client.py"
CUSTOMERS = f"/api/instances/{INSTANCE_ID}/data/Customer"


@dataclass(frozen=True, slots=True)
class Secure:
    """Both addresses of a service with two workers."""

    server: Server
    url: str
    ca_file: str

    def client(self) -> httpx.Client:
        trusting = ssl.create_default_context(cafile=self.ca_file)
        trusting.verify_flags |= ssl.VERIFY_X509_STRICT
        return httpx.Client(base_url=self.url, headers=headers(), verify=trusting, trust_env=False)


@pytest.fixture(scope="module")
def kind() -> str:
    """One is enough: what differs by database is not seen from so far out."""
    return "sqlite"


@pytest.fixture(scope="module")
def secure(installation: Installation) -> Secure:
    server = installation.serve("--tls", "--tls-port", "0", "--tls-name", "topcoat.example", "--workers", "2")
    said = re.search(r"listening on (https://127\.0\.0\.1:\d+), trusted by (.+)", server.log.read_text())
    assert said is not None, server.log.read_text()
    return Secure(server, said[1].replace("127.0.0.1", "localhost"), said[2])


def test_both_ports_answer_alike_and_link_to_the_one_that_was_called(secure: Secure) -> None:
    query = {"$top": 2, "$select": "FullName", "$count": "true"}
    with secure.client() as https, httpx.Client(base_url=secure.server.url, headers=headers(), trust_env=False) as http:
        answers = [client.get(CUSTOMERS, params=query).json() for client in (https, http)]

    contexts = [answer.pop("@odata.context") for answer in answers]
    assert answers[0] == answers[1]
    assert [context.partition("/api/")[0] for context in contexts] == [secure.url, secure.server.url]


def test_the_certificate_to_trust_is_told_without_a_token(secure: Secure) -> None:
    answer = httpx.get(f"{secure.server.url}/_topcoat/ca.pem", trust_env=False)

    assert (answer.status_code, answer.text) == (200, Path(secure.ca_file).read_text())


def test_curl_believes_it(secure: Secure) -> None:
    if shutil.which("curl") is None:
        pytest.skip("NO CURL: whether it believes the certificate was not tried")
    port = secure.url.rpartition(":")[2]
    named = ["--resolve", f"topcoat.example:{port}:127.0.0.1", f"https://topcoat.example:{port}/health/live"]

    asked = ["curl", "-sS", "--noproxy", "*", "--cacert", secure.ca_file, *named]

    assert subprocess.run(asked, capture_output=True, text=True, check=False).stdout == '{"status":"live"}'


@pytest.fixture(scope="module")
def got(secure: Secure, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the vendor's identity libraries got."""
    python = environments.python_of_clients(shared_by_workers(tmp_path_factory))
    trusting = {"REQUESTS_CA_BUNDLE": secure.ca_file, "SSL_CERT_FILE": secure.ca_file, "NO_PROXY": "localhost"}
    ran = subprocess.run(
        [str(python), "-W", "ignore", str(IDENTITY_CLIENT), secure.url],
        env=os.environ | trusting,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def read_roles(secure: Secure, token: str) -> Any:
    with secure.client() as client:
        answer = client.get(
            f"/api/instances/{INSTANCE_ID}/rbac/myrole", headers=headers() | {"Authorization": f"Bearer {token}"}
        )
    return answer.json()["roles"] if answer.status_code == 200 else answer.text


def test_the_vendors_libraries_get_tokens_that_the_api_believes(secure: Secure, got: Any) -> None:
    roles = {library: read_roles(secure, token) for library, token in got["tokens"].items()}

    assert roles.keys() == {"msal", "msal_oidc", "msal_discovery", "azure_identity", "azure_identity_aio"}
    assert list(roles.values()) == [["Contributor"]] * 5


def test_whoever_signs_in_on_the_page_stays_signed_in(secure: Secure, got: Any) -> None:
    roles = [[read_roles(secure, person[when]) for when in ("first", "again")] for person in got["people"]]

    assert roles == [[["Admin"], ["Admin"]], [["Admin"], ["Admin"]]]
    assert [person["user"] for person in got["people"]] == ["topcoat-administrator@contoso.example"] * 2


def test_the_vendors_libraries_understand_a_refusal(got: Any) -> None:
    by_msal, by_azure_identity = got["wrong"]

    assert by_msal == {"error": "invalid_client", "error_codes": [7000215]}
    assert "AADSTS7000215: Invalid client secret provided" in by_azure_identity


def test_the_services_validator_for_entra_finds_the_issuer_and_believes_it(secure: Secure) -> None:
    """As `serve --auth entra --auth-issuers …` has it, which asks for the keys over HTTP."""
    clock, address = Clock(is_adjustable=False), f"{secure.server.url}/contoso"
    settings = Settings(auth="entra", auth_issuers=f"{address}/v2.0", auth_audiences="api://topcoat")
    form = {"grant_type": "client_credentials", "client_id": "topcoat-owner", "client_secret": "topcoat-secret"}

    asked = form | {"scope": "api://topcoat/.default"}
    token = httpx.post(f"{address}/oauth2/v2.0/token", data=asked, trust_env=False).json()["access_token"]
    identity = asyncio.run(signed_bearers.bearers_of(settings, clock).identify(token))

    assert (identity.name, identity.kind, identity.role) == ("topcoat-owner", PrincipalKind.APP, Role.OWNER)


def test_an_open_connection_does_not_hold_up_the_end(secure: Secure) -> None:
    """And who speaks http to the port of https is shown the door."""
    with pytest.raises(httpx.TransportError):
        httpx.get(secure.url.replace("https", "http"), trust_env=False)

    with secure.client() as client:
        client.get("/health/live")
        started = time.monotonic()
        code = secure.server.stop()

    assert code == 0
    assert time.monotonic() - started < 10
    assert "Traceback" not in secure.server.log.read_text()
