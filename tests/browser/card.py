"""The card on a page, by what its reader sees of it."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.contract.installation import INSTANCE_ID, Server
from topcoat import sample

ABBIE: Final = sample.ABBIE_MOSS_ID
TABS_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Card:
    page: Page

    @property
    def whole(self) -> Locator:
        return self.page.locator("customer-card .card")

    @property
    def heading(self) -> Locator:
        return self.whole.locator("#title")

    @property
    def status(self) -> Locator:
        return self.whole.locator(".status")

    @property
    def message(self) -> Locator:
        return self.whole.locator(".message")

    @property
    def notice(self) -> Locator:
        return self.whole.locator(".notice")

    @property
    def activities(self) -> Locator:
        return self.whole.locator(".activity")

    def column(self, name: str) -> Locator:
        return self.whole.locator(f"[data-column={name}]")

    def value(self, name: str) -> Locator:
        return self.column(name).locator(".value")

    def mark(self, name: str) -> Locator:
        return self.column(name).get_by_role("button", name="changed since the refresh")

    def fact(self, name: str, fact: str) -> Locator:
        """One of those that the popover of a changed column tells."""
        return self.column(name).locator(f"[data-fact={fact}] dd")

    def activity(self, activity_id: str) -> Locator:
        return self.whole.locator(f"[data-activity='{activity_id}']")

    def expect_ready(self) -> None:
        expect(self.whole).to_have_attribute("data-state", "ready")
        expect(self.whole).to_have_attribute("data-connection", "live")
        expect(self.whole.locator(".timeline")).to_have_attribute("aria-busy", "false")


def address_of(server: Server, customer_id: str = ABBIE) -> str:
    return f"{server.url}/card/{INSTANCE_ID}/{quote(customer_id, safe='')}"


def open_card(page: Page, server: Server, customer_id: str = ABBIE) -> Card:
    """Once it is live."""
    page.goto(address_of(server, customer_id))
    card = Card(page)
    card.expect_ready()
    return card


def patch(server: Server, customer_id: str = ABBIE, **columns: Any) -> None:
    with server.client() as client:
        answer = client.patch(f"/data/Customer/{customer_id}", json=columns)
    assert answer.status_code == 204, answer.text


def post_activity(server: Server, activity_id: str, customer_id: str = ABBIE, **columns: Any) -> None:
    with server.client() as client:
        post(client, activity_id, customer_id, **columns)


def post(client: httpx.Client, activity_id: str, customer_id: str, **columns: Any) -> None:
    usual = {"ActivityId": activity_id, "CustomerId": customer_id, "ActivityType": "Call"}
    usual |= {"ActivityTime": "2026-07-01T10:00:00Z"}
    answer = client.post("/data/UnifiedActivity", json=usual | columns)
    assert answer.status_code == 201, answer.text


def tab_to(page: Page, wanted: Locator, *, key: str = "Tab") -> int:
    """Press the key until what is wanted has the focus; how often that was."""
    for times in range(1, TABS_MAX + 1):
        page.keyboard.press(key)
        if wanted.evaluate("node => node.getRootNode().activeElement === node"):
            return times
    raise AssertionError(f"{TABS_MAX} times {key} did not reach {wanted}")
