"""Real services on real sockets, one for each module and kind of database; their logs stand beside a failure."""

import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.contract import environments
from tests.contract.installation import SAMPLE_SIZE, Installation, Server
from tests.contract.published_client import PublishedClient
from tests.contract.stage import Stage
from tests.databases import KINDS, copied_database, empty_database

LOGS_SHOWN_MAX = 3
LOG_SHOWN_CHARACTERS = 3_000


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def bare_installation(
    request: pytest.FixtureRequest, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Nothing but an empty database."""
    home = tmp_path_factory.mktemp("home")
    with empty_database(request, kind, home) as url:
        installation = Installation(home, url)
        yield installation
        installation.stop()


@pytest.fixture(scope="session")
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Installation]]:
    """An installation with the sample for each kind, to be copied: that is quicker than publishing for each module."""
    with ExitStack() as stack:

        @cache
        def publish(kind: str) -> Installation:
            home = tmp_path_factory.mktemp("published")
            installation = Installation(home, stack.enter_context(empty_database(request, kind, home)))
            installation.publish_sample(SAMPLE_SIZE)
            return installation

        yield publish


@pytest.fixture(scope="module")
def installation(
    request: pytest.FixtureRequest,
    kind: str,
    published: Callable[[str], Installation],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    source, home = published(kind), tmp_path_factory.mktemp("home")
    shutil.copytree(source.home / "contoso", home / "contoso")
    with copied_database(request, kind, home, source.database_url) as url:
        installation = Installation(home, url)
        yield installation
        installation.stop()


@pytest.fixture(scope="module")
def server(installation: Installation) -> Server:
    return installation.serve()


@pytest.fixture(scope="module")
def published_client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublishedClient]:
    python = environments.python_of_clients(shared_by_workers(tmp_path_factory))
    with PublishedClient(python, server.url) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        found = (value.installation if isinstance(value, Stage) else value for value in item.funcargs.values())
        installations = {id(value): value for value in found if isinstance(value, Installation)}
        for installation in installations.values():
            report.sections += [(str(s.log), _tail(s.log)) for s in installation.services[-LOGS_SHOWN_MAX:]]
    return report


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_SHOWN_CHARACTERS:]


def shared_by_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder, which the workers of pytest-xdist have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base
