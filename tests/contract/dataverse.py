"""Two services over https on one database, with writes through Dataverse and without, and what clients are told."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.contract.installation import INSTANCE_ID, Installation, Server, headers
from topcoat import sample
from topcoat.clock import Clock
from topcoat.core import row_guids
from topcoat.flows.sign_in import Caller, SignIn
from topcoat.store.engine import Store

CLIENT = "topcoat-contributor"


class TwoHoursAgo(Clock):
    def system_now(self) -> datetime:
        return datetime.now(UTC) - timedelta(hours=2)


@dataclass(frozen=True)
class Dataverse:
    """`server` takes writes through Dataverse, and `reading` does not."""

    installation: Installation
    server: Server
    url: str
    reading: str
    ca_file: str

    @cached_property
    def given(self) -> dict[str, Any]:
        """What clients are told on their command line."""
        customers = [row["CustomerId"] for row in self.rest("Customer", select="CustomerId", orderby="CustomerId")]
        customers.remove(sample.ABBIE_MOSS_ID)
        activity = self.rest("UnifiedActivity", filter=f"CustomerId eq '{sample.ABBIE_MOSS_ID}'", top=1)[0]
        return {
            "root": self.url,
            "reading": self.reading,
            "instance": INSTANCE_ID,
            "headers": headers(),
            "abbie": sample.ABBIE_MOSS_ID,
            "abbie_guid": guid(sample.ABBIE_MOSS_ID),
            "activity": guid(activity["ActivityId"]),
            "customers": [{"id": key, "guid": guid(key)} for key in customers],
            "expired": asyncio.run(self._sign_in_two_hours_ago()),
            "foreign": self._foreign_token(),
        }

    def rest(self, table: str, **options: Any) -> list[dict[str, Any]]:
        """Records as the REST API has them."""
        with self.server.client() as client:
            answer = client.get(f"/data/{table}", params={f"${name}": value for name, value in options.items()})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["value"])

    def drive(self, command: Sequence[str | Path], **variables: str) -> Any:
        """Run a client's script and return what it printed."""
        trusting = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), self.ca_file)
        ran = subprocess.run(
            [*map(str, command), json.dumps(self.given)],
            env=os.environ | trusting | {"NO_PROXY": "localhost"} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    async def _sign_in_two_hours_ago(self) -> str:
        store, caller = Store(self.installation.database_url), Caller(self.url, urlsplit(self.url).hostname)
        try:
            tenant = SignIn(store, TwoHoursAgo(is_adjustable=False))
            return (await tenant.sign_application_in(caller, CLIENT, f"{self.url}/.default")).access
        finally:
            await store.close()

    def _foreign_token(self) -> str:
        """The same claims as in a good one, under somebody else's key."""
        form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "topcoat-secret"}
        asked = form | {"scope": "api://topcoat/.default"}
        answer = httpx.post(f"{self.server.url}/contoso/oauth2/v2.0/token", data=asked, trust_env=False)
        token = answer.json()["access_token"]
        claims = jwt.decode(token, options={"verify_signature": False})
        key_id = jwt.get_unverified_header(token)["kid"]
        return jwt.encode(claims, rsa.generate_private_key(65537, 2048), "RS256", headers={"kid": key_id})


def serve(installation: Installation) -> Dataverse:
    server = installation.serve("--tls", "--tls-port", "0", "--dataverse-writes")
    reading = installation.serve("--tls", "--tls-port", "0")
    url, ca_file = _https_of(server)
    return Dataverse(installation, server, url, _https_of(reading)[0], ca_file)


def guid(key: str) -> str:
    return str(row_guids.guid_of(key))


def _https_of(server: Server) -> tuple[str, str]:
    said = re.search(r"listening on (https://127\.0\.0\.1:\d+), trusted by (.+)", server.log.read_text())
    assert said is not None, server.log.read_text()
    return said[1].replace("127.0.0.1", "localhost"), said[2]
