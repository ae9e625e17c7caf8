"""The pages around the card: found, narrowed and read without a script, at any width, in light and dark."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.card import ABBIE, Card, patch, tab_to
from tests.browser.conftest import NewPage
from tests.browser.judging import NOTHING, list_violations, sticking_out_by_width
from tests.contract.installation import INSTANCE_ID, Server

SEARCH: Final = f"/card/{INSTANCE_ID}"
PAGES: Final = (SEARCH, f"{SEARCH}?q=Abbie", f"{SEARCH}?q=zzzzzz", f"{SEARCH}/nobody")


def test_a_customer_is_found_by_keyboard(page: Page, server: Server) -> None:
    page.goto(server.url + SEARCH)

    tab_to(page, page.get_by_role("searchbox"))
    page.keyboard.type("Abbie Moss")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=Abbie"))
    tab_to(page, page.get_by_role("link", name="Abbie Moss"))
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{server.url}{SEARCH}/{ABBIE}")
    expect(Card(page).heading).to_have_text("Abbie Moss")


def test_customers_are_found_and_narrowed_without_a_script(new_page: NewPage, server: Server) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(server.url + SEARCH)
    tiles = page.locator(".tiles li")
    before = tiles.count()

    page.get_by_role("checkbox", name="Gold").check()
    page.get_by_role("button", name="Narrow").click()

    expect(page.get_by_role("checkbox", name="Gold")).to_be_checked()
    assert 0 < tiles.count() < before


def test_a_customer_with_live_changes_is_marked_among_those_found(page: Page, server: Server) -> None:
    patch(server, RewardsPoints=1)

    page.goto(f"{server.url}{SEARCH}?q=Abbie")

    expect(page.locator(".tiles li", has_text="Abbie Moss").locator(".changed")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_pages(new_page: NewPage, server: Server, axe: str, scheme: str) -> None:
    page = new_page(bypass_csp=True, color_scheme=scheme)

    for path in PAGES:
        page.goto(server.url + path)
        assert list_violations(page, axe) == [], path


def test_nothing_sticks_out_of_the_pages_at_any_width(page: Page, server: Server) -> None:
    for path in PAGES:
        page.goto(server.url + path)
        assert sticking_out_by_width(page) == NOTHING, path
