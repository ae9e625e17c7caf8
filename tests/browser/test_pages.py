"""The pages around the card: found, narrowed and read without a script, at any width, in light and dark."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.card import ABBIE, Card, open_card, patch, tab_to
from tests.browser.conftest import NewPage
from tests.browser.judging import NOTHING, list_violations, sticking_out_by_width
from tests.contract.installation import INSTANCE_ID, Server

SEARCH: Final = f"/card/{INSTANCE_ID}"
CONSOLE: Final = f"/console/{INSTANCE_ID}"
PAGES: Final = (
    SEARCH,
    f"{SEARCH}?q=Abbie",
    f"{SEARCH}?q=zzzzzz",
    f"{SEARCH}/nobody",
    "/",
    CONSOLE,
    f"{CONSOLE}/tables",
    f"{CONSOLE}/changes",
    f"{CONSOLE}/calls",
    f"{CONSOLE}/writes",
)


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


@pytest.mark.parametrize(("locale", "said"), [("en-GB", "24 Nov 2026, 13:00:00"), ("de-AT", "24.11.2026, 13:00:00")])
def test_instants_are_said_in_the_readers_manner_and_zone(
    new_page: NewPage, server: Server, locale: str, said: str
) -> None:
    page = new_page(locale=locale)

    page.goto(server.url + CONSOLE)

    expect(page.locator(".facts time")).to_have_text(said)


def test_axe_finds_nothing_wrong_with_the_pages_in_light_and_dark(new_page: NewPage, server: Server, axe: str) -> None:
    page = new_page(bypass_csp=True)
    choose_role(page, server, "administrator")

    for path in PAGES:
        page.goto(server.url + path)
        open_all(page)
        assert list_violations(page, axe) == [], path


def test_nothing_sticks_out_of_the_pages_at_any_width(page: Page, server: Server) -> None:
    choose_role(page, server, "administrator")

    for path in PAGES:
        page.goto(server.url + path)
        open_all(page)
        assert sticking_out_by_width(page) == NOTHING, path


def test_a_change_is_sent_from_the_console_and_lapses_by_its_clock_while_the_card_is_watched(
    page: Page, server: Server
) -> None:
    page.goto(server.url)
    page.get_by_label("Role").select_option("Administrator")
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_label("Role")).to_have_value("administrator")
    watched = open_card(page.context.new_page(), server)
    before = watched.value("City").inner_text()

    page.goto(f"{server.url}{CONSOLE}/writes?customer={ABBIE}")
    change = page.get_by_role("region", name="Change a profile")
    change.get_by_label("Body, as JSON").fill('{"City": "Lima"}')
    change.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("Stored")
    expect(watched.value("City")).to_have_text("Lima")
    page.goto(server.url)
    page.get_by_role("spinbutton", name="Advance by").fill("5")
    page.get_by_role("button", name="Advance", exact=True).click()

    expect(page.get_by_role("status")).to_contain_text("lapsed on the way")
    expect(watched.value("City")).to_have_text(before)


def choose_role(page: Page, server: Server, role: str) -> None:
    page.context.add_cookies([{"name": "topcoat_role", "value": role, "url": server.url}])


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
