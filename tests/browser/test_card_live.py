"""The card changes before its reader's eyes, and says why."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.card import ABBIE, Card, open_card, patch, post, post_activity, tab_to
from tests.contract.installation import Installation, Server
from tests.contract.published_client import PublishedClient
from topcoat.sample.people import customer_id


@pytest.fixture
def changed(server: Server, card: Card) -> Iterator[Card]:
    """Abbie's, who lives in Paris for four hours; she is back before the next test."""
    patch(server, City="Paris")
    expect(card.value("City")).to_have_text("Paris")
    yield card
    server.set_clock(advance="PT5H")


def test_a_card_shows_who_somebody_is_and_what_they_did(card: Card) -> None:
    expect(card.heading).to_have_text("Abbie Moss")
    expect(card.value("City")).to_have_text("Seattle")
    times = card.activities.locator("time").evaluate_all("nodes => nodes.map(node => node.dateTime)")

    assert len(times) > 1
    assert times == sorted(times, reverse=True)


def test_the_timeline_grows_by_what_the_vendors_client_posts(card: Card, published_client: PublishedClient) -> None:
    card.page.evaluate("window.isTheSame = true")
    activity = {
        "ActivityId": "call-1",
        "CustomerId": ABBIE,
        "ActivityTime": "2026-10-01T10:00:00Z",
        "ActivityType": "Call",
        "Title": "Asked for oat milk",
    }

    created = published_client.call("create_an_entity", entity_name="UnifiedActivity", body=json.dumps(activity))

    assert created.type == "CreatedResult", created
    expect(card.activity("call-1")).to_contain_text("Asked for oat milk")
    assert card.page.evaluate("window.isTheSame") is True


def test_a_value_that_is_changed_is_marked(card: Card, server: Server) -> None:
    expect(card.mark("City")).to_have_count(0)

    patch(server, City="Lyon")

    expect(card.value("City")).to_have_text("Lyon")
    expect(card.mark("City")).to_be_visible()
    server.set_clock(advance="PT5H")


def test_who_changed_a_value_and_until_when_is_read_by_keyboard(changed: Card) -> None:
    tab_to(changed.page, changed.mark("City"))

    expect(changed.fact("City", "signedInAs")).to_have_text("topcoat-contributor")
    expect(changed.fact("City", "refreshSays")).to_have_text("Seattle")
    expect(changed.fact("City", "until").locator(".countdown")).to_have_text("(in 4 hours)")

    changed.page.keyboard.press("Escape")
    expect(changed.column("City").locator(".popover")).to_be_hidden()
    expect(changed.mark("City")).to_be_focused()


def test_a_lapse_hands_the_value_back(changed: Card, server: Server) -> None:
    server.set_clock(advance="PT4H")

    expect(changed.value("City")).to_have_text("Seattle")
    expect(changed.mark("City")).to_have_count(0)


def test_a_card_as_of_when_a_change_ends_shows_what_is_back_then(changed: Card) -> None:
    changed.whole.get_by_text("As of:").click()

    changed.whole.get_by_role("button", name="When the next change ends").click()

    expect(changed.value("City")).to_have_text("Seattle")
    expect(changed.status).to_contain_text("As of")
    changed.whole.get_by_role("button", name="Back to live").click()
    expect(changed.value("City")).to_have_text("Paris")
    expect(changed.status).to_have_text("Live")


def test_a_card_survives_that_the_service_is_killed_and_shows_what_was_written_meanwhile(
    installation: Installation, server: Server, page: Page
) -> None:
    killed = installation.serve()
    card = open_card(page, killed)

    killed.kill()
    expect(card.status).to_have_text("Reconnecting")
    post_activity(server, "meanwhile-1", Title="Nobody was listening")
    installation.serve("--port", killed.url.rpartition(":")[2])

    expect(card.activity("meanwhile-1")).to_contain_text("Nobody was listening")
    expect(card.status).to_have_text("Live")
    expect(card.notice).to_be_hidden()


def test_a_timeline_is_filtered_by_words_and_by_type(card: Card, server: Server) -> None:
    post_activity(server, "wanted-1", Title="Lost her umbrella")
    expect(card.activity("wanted-1")).to_be_visible()

    card.whole.get_by_label("Search").fill("UMBRELLA")
    expect(card.activities).to_have_count(1)
    card.whole.get_by_label("Search").fill("")
    card.whole.get_by_label("Type").select_option("SalesOrder")

    expect(card.activity("wanted-1")).to_have_count(0)
    expect(card.activities.first).to_be_visible()


def test_a_long_timeline_comes_as_far_as_it_is_scrolled(server: Server, page: Page) -> None:
    customer = customer_id(2)
    with server.client() as client:
        for number in range(45):
            post(client, f"long-{number}", customer, ActivityTime=f"2018-01-01T10:{number:02}:00Z")
    card = open_card(page, server, customer)
    expect(card.activity("long-0")).to_have_count(0)

    while card.activity("long-0").count() == 0:
        before = card.activities.count()
        card.activities.last.scroll_into_view_if_needed()
        expect(card.activities.nth(before)).to_be_attached()

    expect(card.activity("long-0")).to_be_visible()
