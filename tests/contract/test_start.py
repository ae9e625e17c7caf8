"""How the service starts, refuses to start and stops; and what the other commands print."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.installation import INSTANCE_ID, PRIMARY_KEY, Installation, Server
from tests.contract.wire import connect, receive
from tests.databases import empty_database
from topcoat.cli import demonstration
from topcoat.cli.server import Addresses
from topcoat.store import migrate

CLOSING_ATTEMPTS_MAX = 400
CLOSING_PAUSE_SECONDS = 0.05


@pytest.fixture
def empty(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Installation]:
    """A database of either kind, without a schema."""
    with empty_database(request, kind, tmp_path) as url:
        yield Installation(tmp_path, url)


@pytest.fixture
def at_home(tmp_path: Path) -> Installation:
    """A home with a database that does not exist yet."""
    return Installation(tmp_path, f"sqlite:///{tmp_path / 'topcoat.db'}")


@pytest.fixture
def migrated(at_home: Installation) -> Installation:
    migrate.migrate(at_home.database_url)
    return at_home


def test_sigterm_ends_the_service_after_the_request_that_it_took(installation: Installation, abbie: str) -> None:
    """S30: the answer is given, the write is on disk, new callers are refused, and the end is clean."""
    server = installation.serve()
    body = json.dumps(
        {
            "ActivityId": "last-1",
            "CustomerId": abbie,
            "ActivityTime": "2026-11-01T09:30:00Z",
            "ActivityType": "SalesOrder",
        }
    ).encode()

    with connect(server) as connection:
        begin_post(connection, len(body))
        server.ask_to_stop()
        wait_until_closed(server)
        connection.sendall(body)
        status, _, answer = receive(connection)
    code = server.process.wait(timeout=30)

    assert status == 201, answer
    assert code == 0, server.log.read_text()
    assert "Traceback" not in server.log.read_text()
    assert reads_activity(installation.serve(), abbie, "last-1")


def begin_post(connection: socket.socket, length: int) -> None:
    """Send a head and wait until the service asks for the body: from then on the request is its own."""
    head = (
        f"POST /api/instances/{INSTANCE_ID}/data/UnifiedActivity HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\n"
        "Authorization: Bearer topcoat-contributor\r\n"
        f"Ocp-Apim-Subscription-Key: {PRIMARY_KEY}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {length}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    connection.sendall(head.encode())
    assert connection.recv(1024).startswith(b"HTTP/1.1 100 ")


def wait_until_closed(server: Server) -> None:
    """Until new connections are refused; bounded."""
    for _ in range(CLOSING_ATTEMPTS_MAX):
        try:
            connect(server).close()
        except ConnectionRefusedError:
            return
        time.sleep(CLOSING_PAUSE_SECONDS)
    raise AssertionError("the service still takes connections")


def reads_activity(server: Server, customer: str, activity: str) -> bool:
    with server.client() as client:
        found = client.get(
            "data/UnifiedActivity", params={"$filter": f"CustomerId eq '{customer}' and ActivityId eq '{activity}'"}
        )
    return [record["ActivityId"] for record in found.json()["value"]] == [activity]


def test_an_idle_service_stops_at_once_and_without_a_word(migrated: Installation) -> None:
    server = migrated.serve()

    code = server.stop()

    assert code == 0
    assert "Traceback" not in server.log.read_text()


def test_a_connection_kept_alive_does_not_hold_up_the_end(migrated: Installation) -> None:
    server = migrated.serve()
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        client.get("/health/live")

        started = time.monotonic()
        server.stop()

    assert time.monotonic() - started < 10


def test_several_workers_share_a_port_and_end_together(installation: Installation, abbie: str) -> None:
    """S23: what one of them acknowledges, whichever is asked next shows."""
    server = installation.serve("--workers", "2")
    for number in range(10):
        body = {"Telephone": f"555-{number}"}
        with server.client() as writer, server.client() as reader:
            assert writer.patch(f"data/Customer/{abbie}", json=body).status_code == 204
            assert reader.get(f"data/Customer('{abbie}')").json()["Telephone"] == body["Telephone"]

    code = server.stop()

    assert code == 0
    wait_until_closed(server)
    assert "Traceback" not in server.log.read_text()


def assert_refused(installation: Installation, code: int, *arguments: str, names: str) -> None:
    refused = installation.run(*arguments)
    assert (refused.returncode, refused.stdout) == (code, ""), refused
    assert refused.stderr.startswith("topcoat: ")
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
    assert names in refused.stderr


def test_a_database_without_schema_is_refused_with_the_command_that_helps(empty: Installation) -> None:
    assert_refused(empty, 1, "serve", "--port", "0", names="topcoat migrate")


@pytest.mark.postgres
def test_a_database_that_cannot_be_reached_is_refused(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres")
    installation = Installation(tmp_path, f"{server.url}/there_is_no_such_database")

    assert_refused(installation, 1, "serve", "--port", "0", names="database")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_emulator_auth_on_a_public_address_is_a_usage_error(migrated: Installation, host: str) -> None:
    """S33: everybody knows the emulator's tokens."""
    assert_refused(migrated, 2, "serve", "--host", host, "--port", "0", names="--i-know-this-is-open")


def test_open_on_a_public_address_is_a_usage_error_whatever_is_known(migrated: Installation) -> None:
    options = ("--host", "0.0.0.0", "--port", "0", "--open", "--i-know-this-is-open")

    assert_refused(migrated, 2, "serve", *options, names="--open")


def test_options_of_https_without_https_are_a_usage_error(migrated: Installation) -> None:
    assert_refused(migrated, 2, "serve", "--port", "0", "--tls-port", "8343", names="--tls-port")


def test_an_unusable_certificate_is_a_failure_that_names_it(migrated: Installation) -> None:
    files = ("--tls-cert", str(migrated.home / "none.pem"), "--tls-key", str(migrated.home / "none.key"))

    assert_refused(migrated, 1, "serve", "--port", "0", "--tls", "--tls-port", "0", *files, names="none.pem")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ((), "TOPCOAT_AUTH_ISSUERS"),
        (("--auth-issuers", "https://issuer.example"), "TOPCOAT_AUTH_AUDIENCES"),
        (("--auth-issuers", "https://issuer.example", "--auth-audiences", "topcoat", "--open"), "--open"),
    ],
)
def test_signed_tokens_need_somebody_to_believe(migrated: Installation, options: tuple[str, ...], names: str) -> None:
    assert_refused(migrated, 2, "serve", "--port", "0", "--auth", "entra", *options, names=names)


def test_a_busy_port_is_a_failure_that_names_it(migrated: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

        assert_refused(migrated, 1, "serve", "--port", port, names=port)


@pytest.mark.parametrize(
    "url", ["mysql://localhost/topcoat", "sqlite://", "nonsense"], ids=["other kind", "in memory", "unreadable"]
)
def test_an_unusable_database_url_is_a_usage_error(migrated: Installation, url: str) -> None:
    assert_refused(migrated, 2, "serve", "--port", "0", "--database-url", url, names="database URL")


@pytest.mark.parametrize("option", [("--port", "many"), ("--port", "70000"), ("--auth", "none"), ("--nope",)])
def test_an_unusable_option_is_a_usage_error_without_traceback(migrated: Installation, option: tuple[str, ...]) -> None:
    refused = migrated.run("serve", *option)

    assert refused.returncode == 2
    assert option[0] in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_unusable_variable_is_a_usage_error_without_traceback(migrated: Installation) -> None:
    refused = migrated.run("serve", TOPCOAT_PORT="many")

    assert refused.returncode == 2
    assert "TOPCOAT_PORT" in refused.stderr or "--port" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_help_names_every_command(at_home: Installation) -> None:
    shown = at_home.do("--help")

    for command in ("demo", "serve", "migrate", "refresh", "env", "schema"):
        assert command in shown


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (
            "serve",
            [
                "--host",
                "--port",
                "--workers",
                "--open",
                "--auth",
                "--tls",
                "--tls-port",
                "--tls-name",
                "--tls-cert",
                "--tls-key",
            ],
        ),
        ("demo", ["--port", "--size", "--fresh", "--tls", "--tls-port", "--database-url"]),
        ("migrate", ["--to", "--sql"]),
        ("refresh", ["--undo"]),
        ("env", ["--format"]),
    ],
)
def test_help_of_a_command_names_its_options(at_home: Installation, command: str, options: list[str]) -> None:
    shown = at_home.run(command, "--help", COLUMNS="200").stdout

    for option in options:
        assert option in shown


def test_env_gives_clients_what_they_need_as_json(at_home: Installation) -> None:
    given = json.loads(at_home.do("env", "--format", "json", "--port", "8301", "--tls-port", "8344"))

    assert given["TOPCOAT_INSTANCE_ID"] == INSTANCE_ID
    assert given["TOPCOAT_PRIMARY_KEY"] == PRIMARY_KEY
    assert given["TOPCOAT_CONTRIBUTOR_TOKEN"] == "topcoat-contributor"
    assert given["TOPCOAT_CLIENT_BASE_URL"] == "http://127.0.0.1:8301/v1"
    assert given["TOPCOAT_AUTHORITY"] == "https://127.0.0.1:8344/contoso"
    assert given["SSL_CERT_FILE"] == str(at_home.home / "ca" / "ca.pem")


def test_the_schema_of_the_environment_file_is_json_schema(at_home: Installation) -> None:
    schema = json.loads(at_home.do("schema", "environment"))

    assert {"instance", "tables", "activities", "unified"} <= set(schema["properties"])


def test_migrate_prints_its_statements_instead_of_running_them(empty: Installation) -> None:
    printed = empty.do("migrate", "--sql")

    assert "CREATE TABLE override" in printed
    assert "alembic_version" in printed
    assert not (empty.home / "topcoat.db").exists()


def test_refresh_names_file_and_place_of_a_fault(migrated: Installation) -> None:
    environment = migrated.home / "environment.yaml"
    environment.write_text("instance: {id: none, name: 3}\n")

    assert_refused(migrated, 1, "refresh", str(environment), names="environment.yaml, line 1")


def test_refresh_of_a_file_that_is_not_there_is_one_sentence(migrated: Installation) -> None:
    assert_refused(migrated, 1, "refresh", str(migrated.home / "none.yaml"), names="none.yaml")


def test_the_demo_says_how_its_raw_tables_are_unified(capsys: pytest.CaptureFixture[str]) -> None:
    demonstration.announce(Addresses("http://127.0.0.1:8300", None, None), Path(".topcoat/contoso"))

    command = "topcoat refresh .topcoat/contoso/raw.yaml --truth .topcoat/contoso/truth.csv"
    assert command in capsys.readouterr().out
