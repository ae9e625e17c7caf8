"""The servers that are measured, and what a write and a read of each look like on the wire."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from benchmarks import databases, processes
from benchmarks.load import NextRequest
from benchmarks.peers import constant, plain_service
from topcoat import sample

INSTANCE = "c0ffee00-0000-4000-8000-000000000001"
BASE = f"/api/instances/{INSTANCE}"
CREDENTIALS = {
    "Authorization": "Bearer topcoat-contributor",
    "Ocp-Apim-Subscription-Key": "topcoat-primary-key",
}
CUSTOMERS_MAX = 10_000
SHARE_CHANGED = 10
CALL_TIMEOUT_SECONDS = 60.0
PAGES_MAX = 200
SERVE_ALIKE = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")

TOPCOAT, PLAIN, BARE, ROUTED = "Topcoat", "plain service", "constant", "constant, FastAPI"


class ReadBackFailed(Exception):
    """A server acknowledged a write and does not show it."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Addresses of one service, with `{customer}` and `{activity}` to fill in."""

    write: str
    read: str
    change: str
    read_activity: str


@dataclass(frozen=True, slots=True)
class Subject:
    name: str
    server: processes.Server
    paths: Paths
    customers: list[str]
    headers: Mapping[str, str]
    write_status: int = 201

    def writes(self) -> NextRequest:
        """Activities with new ids, for random customers."""
        choose = random.Random(1).choice
        parts = [self._write_parts(customer) for customer in self.customers]
        numbers = count(random.SystemRandom().getrandbits(63))

        def next_write() -> bytes:
            before, after = choose(parts)
            return b"%b%032x%b" % (before, next(numbers), after)

        return next_write

    def reads(self) -> NextRequest:
        """Point reads of random customers."""
        choose = random.Random(2).choice
        requests = [self._request("GET", self._path(self.paths.read, customer)) for customer in self.customers]
        return lambda: choose(requests)

    def _write_parts(self, customer: str) -> tuple[bytes, bytes]:
        mark = "0" * 32
        request = self._request("POST", self.paths.write, json.dumps(activity(customer, mark)).encode())
        before, _, after = request.rpartition(mark.encode())
        return before, after

    def _request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(self.server.address).netloc}", "Accept: */*"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")

    @staticmethod
    def _path(template: str, customer: str, activity_id: str = "") -> str:
        return template.format(customer=quote(customer), activity=quote(activity_id))

    def prepare(self) -> None:
        """Give every tenth customer a live change, after checking that what is written can be read back."""
        with httpx.Client(
            base_url=self.server.address, headers=dict(self.headers), timeout=CALL_TIMEOUT_SECONDS
        ) as client:
            self._check_read_back(client)
            for number, customer in enumerate(islice(self.customers, 0, None, SHARE_CHANGED)):
                change = {"City": f"Paris {number}", "RewardsPoints": number}
                client.patch(self._path(self.paths.change, customer), json=change).raise_for_status()

    def _check_read_back(self, client: httpx.Client) -> None:
        customer, activity_id = self.customers[0], f"{random.SystemRandom().getrandbits(127):032x}"
        client.post(self.paths.write, json=activity(customer, activity_id)).raise_for_status()
        answer = client.get(self._path(self.paths.read_activity, customer, activity_id)).raise_for_status()
        if activity_id not in answer.text:
            raise ReadBackFailed(f"{self.name} does not show the activity it acknowledged: {answer.text[:500]}")
        client.patch(self._path(self.paths.change, customer), json={"City": "Nice"}).raise_for_status()
        record = client.get(self._path(self.paths.read, customer)).raise_for_status().json()
        if record["City"] != "Nice":
            raise ReadBackFailed(f"{self.name} does not show the change it acknowledged: {record}")


def activity(customer: str, activity_id: str) -> dict[str, Any]:
    return {
        "CustomerId": customer,
        "ActivityTime": "2026-10-31T09:15:00Z",
        "ActivityType": "SalesOrder",
        "ActivityTypeDisplay": "Sales order",
        "Title": "Contoso Coffee, Pike Street",
        "Description": "One flat white and one croissant",
        "ExternalUrl": "https://contoso.example/receipts/1",
        "ActivityId": activity_id,
    }


@dataclass(frozen=True, slots=True)
class Installation:
    """Topcoat on a database of its own: the folder of its sample, and the variables of its commands."""

    subject: Subject
    folder: Path
    environment: Mapping[str, str]


@contextmanager
def topcoat_serving(kind: databases.Kind, size: int) -> Iterator[Subject]:
    with topcoat_installed(kind, size) as installation:
        yield installation.subject


@contextmanager
def topcoat_installed(kind: databases.Kind, size: int) -> Iterator[Installation]:
    """Topcoat serving a new database, with the sample environment of that many customers published."""
    with TemporaryDirectory(prefix="topcoat-home-") as home, databases.new_database(kind) as url:
        environment = {"TOPCOAT_HOME": home, "TOPCOAT_DATABASE_URL": url}
        processes.run_command(["topcoat", "migrate"], environment)
        environment_file = sample.write_sample(Path(home), size)
        processes.run_command(["topcoat", "refresh", str(environment_file)], environment)
        port = processes.free_port()
        command = ["topcoat", "serve", "--port", str(port)]
        with processes.running_server(command, environment, port=port, ready_path="/health/ready") as server:
            paths = Paths(
                write=f"{BASE}/data/UnifiedActivity",
                read=BASE + "/data/Customer('{customer}')",
                change=BASE + "/data/Customer/{customer}",
                read_activity=BASE
                + "/data/UnifiedActivity?$filter=CustomerId%20eq%20'{customer}'%20and%20ActivityId%20eq%20'{activity}'",
            )
            subject = Subject(TOPCOAT, server, paths, list(islice(_listed(server), CUSTOMERS_MAX)), CREDENTIALS)
            yield Installation(subject, Path(home), environment)


def _listed(server: processes.Server) -> Iterable[str]:
    """The customers' ids, page after page."""
    url: str | None = f"{server.address}{BASE}/data/Customer?$select=CustomerId"
    with httpx.Client(headers=CREDENTIALS, timeout=CALL_TIMEOUT_SECONDS) as client:
        for _ in range(PAGES_MAX):
            if url is None:
                return
            page = client.get(url).raise_for_status().json()
            yield from (record["CustomerId"] for record in page["value"])
            url = page.get("@odata.nextLink")


_PLAIN_PATHS = Paths(
    write="/activities",
    read="/customers/{customer}",
    change="/customers/{customer}",
    read_activity="/customers/{customer}/activities/{activity}",
)
_PLAIN_DRIVERS = {databases.Kind.SQLITE: "sqlite+aiosqlite", databases.Kind.POSTGRESQL: "postgresql+asyncpg"}


@contextmanager
def plain_service_serving(kind: databases.Kind, size: int) -> Iterator[Subject]:
    with databases.new_database(kind) as url:
        driven = _PLAIN_DRIVERS[kind] + url.removeprefix(kind.value)
        environment = {"PEER_DATABASE_URL": driven, "PEER_CUSTOMERS": str(size)}
        with _uvicorn("benchmarks.peers.plain_service:app", environment, ready_path="/ready") as server:
            yield Subject(PLAIN, server, _PLAIN_PATHS, _seeded_customers(min(size, CUSTOMERS_MAX)), {})


def _seeded_customers(size: int) -> list[str]:
    return [plain_service.customer_id(number) for number in range(size)]


@contextmanager
def constants_serving() -> Iterator[list[Subject]]:
    """The ceilings; they need no database."""
    customers = [constant.RECORD["CustomerId"]]
    with (
        _uvicorn("benchmarks.peers.constant:bare", {}, ready_path="/") as bare,
        _uvicorn("benchmarks.peers.constant:with_fastapi", {}, ready_path="/customers/1") as routed,
    ):
        yield [
            Subject(name, server, _PLAIN_PATHS, customers, {}, write_status=200)
            for name, server in ((BARE, bare), (ROUTED, routed))
        ]


@contextmanager
def _uvicorn(application: str, environment: Mapping[str, str], *, ready_path: str) -> Iterator[processes.Server]:
    port = processes.free_port()
    command = ["uvicorn", application, "--host", "127.0.0.1", "--port", str(port), *SERVE_ALIKE]
    with processes.running_server(command, environment, port=port, ready_path=ready_path) as server:
        yield server
