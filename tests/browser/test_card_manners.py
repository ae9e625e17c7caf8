"""The card for everybody: by keyboard, narrow, dark, in German, with whatever customers typed, and light to load."""

import re
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.card import ABBIE, address_of, open_card, patch, post, post_activity, tab_to
from tests.browser.conftest import NewPage
from tests.browser.judging import NOTHING, list_violations, sticking_out_by_width
from tests.contract.installation import Server
from topcoat.sample.people import customer_id

ARABIC: Final = "عبد الرحمن بن محمد الفارسي"
SCRIPT: Final = "<script>window.isBroken = true</script><img src=x onerror='window.isBroken = true'>"
FIRST_LOAD_BYTES_MAX: Final = 100_000
LAYOUT_SHIFT_MAX: Final = 0.05
_OBSERVE: Final = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
addEventListener("card-shown", () => { window.shownAtMs ??= performance.now(); });
"""
_MEASURE: Final = """() => {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const bytes = entries.map((entry) => entry.transferSize).reduce((sum, size) => sum + size, 0);
  return { bytes, requests: entries.length, shift: window.shift, shownAtMs: Math.round(window.shownAtMs) };
}"""


@pytest.fixture(scope="module")
def changed(server: Server) -> Server:
    """With some of Abbie's values changed, and an activity that was posted and one that is to come."""
    patch(server, City="Paris", RewardsPoints=4200)
    post_activity(server, "posted-1", Title="Asked for oat milk", Description="She is allergic.")
    post_activity(server, "to-come-1", Title="Tasting", ActivityTime="2030-01-01T18:00:00Z")
    return server


def test_everything_is_reached_by_keyboard_and_the_focus_is_seen(page: Page, changed: Server) -> None:
    card = open_card(page, changed)
    stops = [
        card.whole.locator(".address .mark"),
        card.whole.locator(".as-of summary"),
        card.mark("City"),
        card.whole.locator("[data-section=ids] summary"),
        card.whole.get_by_label("Search"),
        card.whole.get_by_label("Type"),
        card.whole.get_by_label("From"),
        card.activity("posted-1").locator(".mark"),
    ]

    for stop in stops:
        tab_to(page, stop)
        assert stop.evaluate("node => getComputedStyle(node).outlineStyle") != "none", stop
    for stop in reversed(stops[:-1]):
        tab_to(page, stop, key="Shift+Tab")


def test_more_activities_are_asked_for_by_keyboard(page: Page, server: Server) -> None:
    customer = customer_id(3)
    with server.client() as client:
        for number in range(90):
            post(client, f"many-{number}", customer)
    card = open_card(page, server, customer)
    more = card.whole.get_by_role("button", name="Show more")
    expect(more).to_be_visible()
    before = card.activities.count()

    more.focus()
    page.keyboard.press("Enter")

    expect(card.activities.nth(before)).to_be_attached()


def test_nothing_sticks_out_of_a_window_of_any_width(page: Page, changed: Server) -> None:
    card = open_card(page, changed)
    card.whole.locator(".as-of summary").click()
    card.mark("City").click()

    assert sticking_out_by_width(page) == NOTHING
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert sticking_out_by_width(page) == NOTHING


def test_long_values_and_other_scripts_leave_the_layout_whole(page: Page, server: Server) -> None:
    customer = customer_id(4)
    patch(server, customer, FullName=ARABIC, AddressLine1="W" * 10_000, City="東京 👩‍👩‍👧‍👦", Country="لبنان")
    post_activity(server, "long-1", customer, Title="M" * 10_000, Description="i" * 10_000)

    card = open_card(page, server, customer)
    card.column("AddressLine1").get_by_role("button", name="Show all").click()

    expect(card.value("AddressLine1")).to_contain_text("W" * 10_000)
    expect(card.heading).to_have_text(ARABIC)
    assert card.heading.locator("[dir=auto]").evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert sticking_out_by_width(page) == NOTHING


def test_axe_finds_nothing_wrong_with_a_card_in_light_and_dark(new_page: NewPage, changed: Server, axe: str) -> None:
    page = new_page(bypass_csp=True)
    card = open_card(page, changed)
    for summary in card.whole.locator("summary").all():
        summary.click()
    card.mark("City").focus()
    expect(card.fact("City", "refreshSays")).to_be_visible()

    assert list_violations(page, axe) == []


def test_axe_finds_nothing_wrong_where_there_is_no_customer(new_page: NewPage, server: Server, axe: str) -> None:
    page = new_page(bypass_csp=True)
    card = open_card(page, server)
    page.locator("customer-card").evaluate("node => node.setAttribute('customer', 'nobody')")
    expect(card.message.get_by_role("heading")).to_have_text("No such customer")

    assert list_violations(page, axe) == []


def test_a_card_is_dark_for_whoever_likes_it_dark(new_page: NewPage, server: Server) -> None:
    card = open_card(new_page(color_scheme="dark"), server)
    brightness = "(node, what) => getComputedStyle(node)[what].match(/\\d+/g).slice(0, 3).reduce((a, b) => +a + +b, 0)"

    assert card.whole.evaluate(brightness, "backgroundColor") < 150
    assert card.whole.evaluate(brightness, "color") > 600


def test_nothing_moves_for_whoever_wants_no_motion(new_page: NewPage, server: Server) -> None:
    customer = customer_id(5)
    card = open_card(new_page(reduced_motion="reduce"), server, customer)
    patch(server, customer, City="Lyon")

    expect(card.value("City")).to_have_text("Lyon")

    moving = "node => node.getAnimations({ subtree: true }).filter((a) => a.effect.getTiming().duration > 1).length"
    assert card.whole.evaluate(moving) == 0


def test_markup_that_a_customer_typed_stays_text(page: Page, server: Server) -> None:
    customer = customer_id(6)
    patch(server, customer, FullName=SCRIPT, City=SCRIPT, EMail=f'"{SCRIPT}"@example.com')
    post_activity(server, "markup-1", customer, Title=SCRIPT, Description=SCRIPT)

    card = open_card(page, server, customer)

    expect(card.heading).to_have_text(SCRIPT)
    expect(card.value("City")).to_have_text(SCRIPT)
    expect(card.activity("markup-1").locator(".activity-title")).to_have_text(SCRIPT)
    expect(card.whole.locator("script, img")).to_have_count(0)
    assert page.evaluate("window.isBroken") is None


def test_only_safe_addresses_of_activities_are_links(page: Page, server: Server) -> None:
    customer = customer_id(7)
    unsafe = ["javascript:window.isBroken=true", "JavaScript:alert(1)", "data:text/html,<script>alert(1)</script>"]
    post_activity(server, "link-safe", customer, Title="Bought", ExternalUrl="https://contoso.example/receipts/1")
    for number, address in enumerate(unsafe):
        post_activity(server, f"link-{number}", customer, Title="Bought", ExternalUrl=address)

    card = open_card(page, server, customer)

    expect(card.activity("link-safe").get_by_role("link")).to_have_attribute("href", re.compile("^https://contoso"))
    for number, address in enumerate(unsafe):
        expect(card.activity(f"link-{number}")).to_contain_text(address)
        expect(card.activity(f"link-{number}").get_by_role("link")).to_have_count(0)


def test_a_card_speaks_german_to_whoever_reads_german(new_page: NewPage, changed: Server) -> None:
    page = new_page(locale="de-DE")
    card = open_card(page, changed)

    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(card.status).to_have_text("Live")
    expect(card.whole.get_by_role("heading", name="Aktivitäten")).to_be_visible()
    expect(card.activity("posted-1").locator(".activity-meta time")).to_have_text("01.07.2026, 12:00")
    expect(card.value("RewardsPoints")).to_have_text("4.200")


def test_a_page_of_nobody_says_so(page: Page, server: Server) -> None:
    answer = page.goto(address_of(server, "nobody"))

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_first_load_is_light_and_nothing_jumps(new_page: NewPage, server: Server, record_property: Any) -> None:
    page = new_page()
    page.add_init_script(_OBSERVE)

    open_card(page, server, ABBIE)

    measured = page.evaluate(_MEASURE)
    for name, value in measured.items():
        record_property(f"first load, {name}", value)
    assert measured["bytes"] < FIRST_LOAD_BYTES_MAX
    assert measured["shift"] <= LAYOUT_SHIFT_MAX
