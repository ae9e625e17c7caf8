"""The card with what nobody expects: very wide, very long, very many, far ahead; and out of its reader's reach."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.card import Card, address_of, open_card, patch, post_activity
from tests.browser.judging import NOTHING, sticking_out_by_width
from tests.contract.installation import INSTANCE_ID, Installation, Server

LONG_NAME: Final = "Column_" + "M" * 121
PLAIN: Final = ["FullName", LONG_NAME, *(f"Column_{number}" for number in range(295))]
INDEXED: Final = ["Column_Indexed", "Column_Filtered"]
COLUMNS: Final = ["CustomerId", *PLAIN, *INDEXED]
HUGE: Final = "x" + "🦕" * 25_000  # of 100 kB; no even number of UTF-16 units ends with a whole character
BEGINNING: Final = HUGE[:120]
MARKUP: Final = "<b onclick='window.isBroken = true'>bold</b><img src=x onerror='window.isBroken = true'>"
MANY: Final = 10_000
PAGE: Final = 20
PAGES: Final = 6
MONTH: Final = "PT745H"
VIEWERS: Final = "/rbac/principals/topcoat-viewer/assignment"
STRANGER: Final = "11111111-1111-4111-8111-111111111111"
ENVIRONMENT: Final = f"""
instance: {{id: {INSTANCE_ID}, name: Extremes, type: sandbox}}
lifetimes: {{profile: PT4H, activity: P30D}}
tables:
  Shop_buyers: {{primary_key: BuyerId, columns: {{BuyerId: string}}}}
unified:
  customer:
    file: customers.jsonl
    columns: {{{", ".join(f"{name}: string" for name in COLUMNS)}}}
  key_ring: {{file: keys.jsonl}}
  activities: [{{file: activities.jsonl}}]
  measures: {{file: measures.jsonl, columns: {{CustomerId: string, Mood: string}}}}
  segments: {{file: segments.jsonl}}
search: {{searchable: [Column_Indexed], filterable: [Column_Filtered]}}
"""

Row = Mapping[str, Any]


def many_id(number: int) -> str:
    """The newest is 0."""
    return f"many-{number:05}"


def many() -> Iterator[Row]:
    newest = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(MANY):
        at = (newest - number * timedelta(minutes=7)).isoformat()
        yield activity(many_id(number), "busy", ActivityTime=at, Title=f"Visit {number:05}")


def activity(activity_id: str, customer_id: str, **columns: str) -> Row:
    usual = {"ActivityTime": "2026-01-01T00:00:00Z", "ActivityType": "Visit", "Title": "Visit"}
    return {"ActivityId": activity_id, "CustomerId": customer_id, **usual, **columns}


def marked_up_activity() -> Row:
    texts = ("Title", "Description", "ActivityType", "ActivityTypeDisplay", "ActivityName", "ExternalUrl")
    return activity("marked-up", "marked-up", **dict.fromkeys(texts, MARKUP))


def files() -> Mapping[str, Iterable[Row]]:
    wide = {name: f"{name} {'W' * 200}" for name in COLUMNS}
    named = [{"CustomerId": name, "FullName": name} for name in ("busy", "ahead", "huge", "brief")]
    marked_up = dict.fromkeys(COLUMNS, MARKUP) | {"CustomerId": "marked-up"}
    far = activity("far", "ahead", ActivityTime="9999-12-31T23:59:59Z", Title="The end")
    near = activity("near", "ahead", Title="The beginning")
    return {
        "customers": [wide | {"CustomerId": "wide"}, *named, marked_up],
        "keys": [{"Table": "Shop_buyers", "Key": MARKUP, "CustomerId": "marked-up"}],
        "activities": [*many(), far, near, marked_up_activity()],
        "measures": [{"CustomerId": "marked-up", "Mood": MARKUP}],
        "segments": [{"Segment": MARKUP, "CustomerId": "marked-up"}],
    }


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """With an instance of its own."""
    home: Path = tmp_path_factory.mktemp("extremes")
    for name, rows in files().items():
        (home / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (home / "environment.yaml").write_text(ENVIRONMENT)
    installation = Installation(home, f"sqlite:///{home / 'topcoat.db'}")
    installation.do("migrate")
    installation.do("refresh", str(home / "environment.yaml"))
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def server(installation: Installation) -> Server:
    """With a clock that has gone since the refresh."""
    return installation.serve()


@pytest.fixture
def busy(page: Page, server: Server) -> Card:
    """Of whoever did ten thousand things."""
    return open_card(page, server, "busy")


def scroll_on(card: Card) -> None:
    before = card.activities.count()
    card.activities.last.scroll_into_view_if_needed()
    expect(card.activities.nth(before)).to_be_attached()


def shown_ids(card: Card) -> list[str]:
    ids: list[str] = card.activities.evaluate_all("nodes => nodes.map(node => node.dataset.activity)")
    return ids


def test_each_of_300_columns_is_shown_once_and_the_indexed_ones_first(page: Page, server: Server) -> None:
    card = open_card(page, server, "wide")

    shown = card.whole.locator("[data-column]").evaluate_all("nodes => nodes.map(node => node.dataset.column)")
    assert shown == [*INDEXED, *PLAIN, "CustomerId"]
    expect(card.value("Column_294")).to_be_hidden()
    card.whole.get_by_text(f"{len(PLAIN)} more fields").click()
    expect(card.value("Column_294")).to_be_visible()


def test_nothing_of_300_columns_sticks_out(page: Page, server: Server) -> None:
    card = open_card(page, server, "wide")
    for summary in card.whole.locator("summary").all():
        summary.click()

    assert sticking_out_by_width(page) == NOTHING


def test_a_value_of_100_kb_is_cut_and_shown_whole_when_asked_for(page: Page, server: Server) -> None:
    card = open_card(page, server, "huge")
    patch(server, "huge", Column_Indexed=HUGE)
    value = card.value("Column_Indexed")
    show_all = value.get_by_role("button", name="Show all")
    expect(show_all).to_be_visible()
    assert value.inner_text() == BEGINNING + "… Show all"

    show_all.click()

    expect(value.get_by_role("button", name="Show less")).to_be_focused()
    assert value.evaluate("node => node.firstChild.data") == HUGE
    assert sticking_out_by_width(page) == NOTHING


def test_ten_thousand_activities_come_page_by_page_newest_first_and_none_twice(page: Page, server: Server) -> None:
    with page.expect_response(lambda answer: "/timeline?" in answer.url) as first:
        card = open_card(page, server, "busy")
    assert len(first.value.json()["activities"]) == PAGE

    for _ in range(PAGES):
        scroll_on(card)

    shown = shown_ids(card)
    assert shown == [many_id(number) for number in range(len(shown))]
    assert PAGES * PAGE < len(shown) < MANY


def test_the_oldest_of_ten_thousand_activities_is_found_by_its_words(busy: Card) -> None:
    busy.whole.get_by_label("Search").fill(f"visit {MANY - 1:05}")

    expect(busy.activities).to_have_count(1)
    expect(busy.activity(many_id(MANY - 1))).to_be_visible()


def test_what_is_posted_appears_on_top_of_a_timeline_that_was_scrolled_far(busy: Card, server: Server) -> None:
    for _ in range(PAGES):
        scroll_on(busy)
    before = shown_ids(busy)

    post_activity(server, "news", "busy", Title="News")

    expect(busy.activities.first).to_have_attribute("data-activity", "news")
    assert shown_ids(busy)[: len(before) + 1] == ["news", *before]


def test_activities_of_the_future_are_first_and_said_to_be_upcoming(page: Page, server: Server) -> None:
    card = open_card(page, server, "ahead")
    post_activity(server, "soon", "ahead", ActivityTime="2099-12-31T12:00:00Z", Title="Party")
    expect(card.activity("soon")).to_be_visible()

    assert shown_ids(card) == ["far", "soon", "near"]
    for activity_id, is_ahead in (("far", True), ("soon", True), ("near", False)):
        expect(card.activity(activity_id).get_by_text("Upcoming")).to_be_visible(visible=is_ahead)
    expect(card.activity("soon").get_by_role("heading")).to_have_text("December 2099")


def test_markup_in_every_field_stays_text(page: Page, server: Server) -> None:
    card = open_card(page, server, "marked-up")
    for summary in card.whole.locator("summary").all():
        summary.click()

    expect(card.heading).to_have_text(MARKUP)
    assert set(card.whole.locator("[data-list=additional] .value").all_text_contents()) == {MARKUP}
    for section in ("profile", "ids", "measures", "segments", "timeline"):
        expect(card.whole.locator(f"[data-section={section}]")).to_contain_text(MARKUP)
    expect(card.whole.locator("b, img")).to_have_count(0)
    assert page.evaluate("window.isBroken") is None


def test_a_clock_that_jumps_a_month_takes_all_that_was_live_from_an_open_card(page: Page, server: Server) -> None:
    card = open_card(page, server, "brief")
    page.evaluate("window.isTheSame = true")
    patch(server, "brief", FullName="Rex", **dict.fromkeys(PLAIN[1:], "live"))
    post_activity(server, "live", "brief", Title="Live")
    marked = card.whole.locator(".row.is-changed")
    expect(marked).to_have_count(len(PLAIN))
    expect(card.activity("live")).to_be_visible()

    server.set_clock(advance=MONTH)

    expect(marked).to_have_count(0)
    expect(card.activities).to_have_count(0)
    expect(card.heading).to_have_text("brief")
    expect(card.value("Column_0")).to_contain_text("No value")
    expect(card.status).to_have_text("Live")
    assert page.evaluate("window.isTheSame") is True


def test_a_card_of_an_unknown_instance_says_which_is_unknown(page: Page, server: Server) -> None:
    card = open_card(page, server, "ahead")

    page.locator("customer-card").evaluate("(node, id) => { node.instance = id; }", STRANGER)

    expect(card.whole).to_have_attribute("data-state", "unknownInstance")
    expect(card.message.get_by_role("heading")).to_have_text("No such instance")
    expect(card.message).to_contain_text(STRANGER)
    expect(card.heading).to_have_count(0)


def test_a_page_of_an_unknown_instance_says_so(page: Page, server: Server) -> None:
    answer = page.goto(address_of(server, "ahead").replace(INSTANCE_ID, STRANGER))

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_reader_who_loses_the_permission_loses_sight_of_an_open_card(page: Page, server: Server) -> None:
    card = open_card(page, server, "ahead")
    with server.client("owner") as client:
        assert client.delete(VIEWERS).status_code == 200
        patch(server, "ahead", Column_Indexed="secret")

        expect(card.message.get_by_role("heading")).to_have_text("You may not see this customer")
        expect(card.heading).to_have_count(0)
        answer = client.put(VIEWERS, json={"principalType": "app", "roles": ["Viewer"]})
        assert answer.status_code == 200, answer.text

    card.message.get_by_role("button", name="Try again").click()
    expect(card.value("Column_Indexed")).to_have_text("secret")
