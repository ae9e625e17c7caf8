"""The same service with https beside http, by a certificate that the local CA made."""

import re
import shutil
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.contract.installation import INSTANCE_ID, Installation, Server, headers

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
