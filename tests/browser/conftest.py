"""One service, on SQLite, and one browser for each module; a context for each page."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.browser import chromium
from tests.browser.card import Card, open_card
from tests.contract import environments
from tests.contract.conftest import published_client, pytest_runtest_makereport, shared_by_workers
from tests.contract.installation import Installation, Server

__all__ = ["published_client", "pytest_runtest_makereport"]

PATIENCE_MS: Final = 20_000
READER: Final = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "viewport": {"width": 1280, "height": 900}}
expect.set_options(timeout=PATIENCE_MS)

NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def installation(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """With the sample; what differs by database is not seen in a browser."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(sqlite_template, home / "topcoat.db")
    installation = Installation(home, f"sqlite:///{home / 'topcoat.db'}")
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def server(installation: Installation) -> Server:
    """With a clock that goes, and by which it is now."""
    started = installation.serve()
    started.set_clock(set=datetime.now(UTC).isoformat())
    started.set_clock(resume=True)
    return started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium.find_chromium()
    if path is None:
        pytest.skip(chromium.MISSING)
    with chromium.run_chromium(path) as running:
        yield running


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Opens pages by the options of a context; no script on them may break, or break the page's policy."""
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    with ExitStack() as contexts:

        def open_page(**options: Any) -> Page:
            context = contexts.enter_context(browser.new_context(**(READER | options)))
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", hear)
            return page

        yield open_page
    assert faults == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()


@pytest.fixture
def card(page: Page, server: Server) -> Card:
    """Abbie's."""
    return open_card(page, server)


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, which judges how accessible a page is."""
    modules = environments.node_modules(shared_by_workers(tmp_path_factory))
    return (modules / "axe-core" / "axe.min.js").read_text()
