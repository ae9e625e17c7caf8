"""The pictures of the documentation: card, search and console of the sample, in light and dark; `make screenshots`."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.browser.card import ABBIE, open_card, post
from tests.contract.installation import INSTANCE_ID, PROJECT, Installation, Server
from topcoat import sample
from topcoat.sample.people import customer_id

FOLDER: Final = PROJECT / "docs" / "images"
CUSTOMERS: Final = 200
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
READER: Final[Mapping[str, Any]] = {
    "locale": "en-GB",
    "timezone_id": "UTC",
    "reduced_motion": "reduce",
    "viewport": {"width": 1200, "height": 760},
}


def main() -> None:
    path = chromium.find_chromium()
    if path is None:
        raise SystemExit("There is no Chromium: install the system's.")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, chromium.run_chromium(path) as browser:
        installation = Installation(Path(home), f"sqlite:///{home}/topcoat.db")
        try:
            server = serve_sample(installation)
            for scheme in SCHEMES:
                take_all(browser, server, scheme)
        finally:
            installation.stop()


def serve_sample(installation: Installation) -> Server:
    """Two hours after its refresh, with what came in since."""
    installation.do("migrate")
    server = installation.serve()
    server.set_clock(set=next_morning().isoformat())
    environment = sample.write_sample(installation.home, CUSTOMERS)
    installation.do("refresh", str(environment))
    server.set_clock(advance="PT40M")
    write(server)
    server.set_clock(advance="PT80M")
    server.set_clock(resume=True)
    return server


def next_morning() -> datetime:
    """The service clock moves forward only."""
    now = datetime.now(UTC)
    return now.replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)


def write(server: Server) -> None:
    changes = {2: {"Telephone": "+1 206 555 0142"}, 5: {"LoyaltyTier": "Gold"}, 12: {"City": "Lisbon"}}
    with server.client() as client:
        for number, columns in changes.items():
            client.patch(f"/data/Customer/{customer_id(number)}", json=columns, params={"caller": "web shop"})
        moved = {"City": "Paris", "AddressLine1": "8 rue des Rosiers", "PostalCode": "75004", "Country": "France"}
        client.patch(f"/data/Customer/{ABBIE}", json=moved, params={"caller": "help desk"})
        post(
            client,
            "call-1",
            ABBIE,
            ActivityTime=(next_morning() + timedelta(minutes=38)).isoformat(),
            Title="Told us that she has moved",
        )


def take_all(browser: Browser, server: Server, scheme: Literal["light", "dark"]) -> None:
    with browser.new_context(color_scheme=scheme, **READER) as context:
        context.add_cookies([{"name": "topcoat_role", "value": "administrator", "url": server.url}])
        page = context.new_page()
        card = open_card(page, server)
        card.mark("City").focus()
        expect(card.fact("City", "refreshSays")).to_have_text("Seattle")
        take(page, f"card-{scheme}")
        page.goto(f"{server.url}/card/{INSTANCE_ID}?q=Moss")
        take(page, f"search-{scheme}")
        page.goto(f"{server.url}/console/{INSTANCE_ID}")
        take(page, f"console-{scheme}")


def take(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
