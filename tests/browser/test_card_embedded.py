"""The card on pages of other origins: where it may be, and what it says where its caller may not see a customer."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import embedding
from tests.browser.card import ABBIE, Card, address_of, patch
from tests.browser.embedding import Host
from tests.contract.installation import INSTANCE_ID, Installation, Server
from tests.surfaces.issuing import AUDIENCE, Issuer

SHOWN = {"instance": INSTANCE_ID, "customer": ABBIE, "token": "topcoat-viewer"}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with embedding.host() as serving:
        yield serving


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def strict(
    installation: Installation, server: Server, host: Host, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> Server:
    """On the same database: takes signed tokens only, and lets only pages of the host show cards."""
    keys: Path = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_text(json.dumps(issuer.jwks()))
    trusted = {"TOPCOAT_AUTH_ISSUERS": issuer.name, "TOPCOAT_AUTH_AUDIENCES": AUDIENCE, "TOPCOAT_AUTH_JWKS": str(keys)}
    return installation.serve("--auth", "entra", TOPCOAT_CARD_ORIGINS=host.origin, **trusted)


def signed(issuer: Issuer, **age: int) -> str:
    """A viewer's, good for an hour from that long ago."""
    return issuer.token(datetime.now(UTC) - timedelta(**age), roles=["Topcoat.Viewer"])


def visit(page: Page, address: str) -> Card:
    page.goto(address)
    return Card(page)


def test_an_emulators_card_is_live_on_a_page_of_any_origin(page: Page, host: Host, server: Server) -> None:
    card = visit(page, host.show_card(server.url, **SHOWN))
    card.expect_ready()

    patch(server, LoyaltyTier="Platinum")

    expect(card.heading).to_have_text("Abbie Moss")
    expect(card.value("LoyaltyTier")).to_have_text("Platinum")


def test_a_page_of_an_emulator_is_the_card_alone_in_a_frame(page: Page, host: Host, server: Server) -> None:
    page.goto(host.show(f'<iframe src="{address_of(server)}" title="Customer" width="800" height="600"></iframe>'))
    framed = page.frame_locator("iframe")

    expect(framed.locator("customer-card #title")).to_have_text("Abbie Moss")
    expect(framed.locator("header.top")).to_have_count(0)


def test_a_card_is_shown_where_its_origin_is_named(page: Page, host: Host, strict: Server, issuer: Issuer) -> None:
    card = visit(page, host.show_card(strict.url, **SHOWN | {"token": signed(issuer)}))

    card.expect_ready()
    expect(card.heading).to_have_text("Abbie Moss")


def test_no_card_is_shown_where_another_origin_is_named(page: Page, strict: Server, issuer: Issuer) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    with embedding.host() as other, page.expect_console_message(lambda said: "CORS policy" in said.text):
        page.goto(other.show_card(strict.url, **SHOWN | {"token": signed(issuer)}))

    assert page.evaluate("customElements.get('customer-card')") is None
    assert any(strict.url in text for text in refused)


def test_the_answers_are_kept_from_a_page_of_another_origin(page: Page, strict: Server, issuer: Issuer) -> None:
    reading = """([address, token]) => fetch(address, { headers: { Authorization: `Bearer ${token}` } })
        .then((answer) => answer.text(), (error) => error.name)"""
    address = f"{strict.url}/card/api/{INSTANCE_ID}/profile?customer={ABBIE}"
    with embedding.host() as other:
        page.goto(other.show(""))
        outcome = page.evaluate(reading, [address, signed(issuer)])

    assert outcome == "TypeError"


def test_an_unknown_customer_is_said_to_be_none(page: Page, host: Host, server: Server) -> None:
    card = visit(page, host.show_card(server.url, **SHOWN | {"customer": "nobody"}))

    expect(card.message.get_by_role("heading")).to_have_text("No such customer")
    expect(card.whole).to_have_attribute("data-state", "unknown")


def test_a_token_that_nobody_knows_calls_for_signing_in(page: Page, host: Host, server: Server) -> None:
    card = visit(page, host.show_card(server.url, **SHOWN | {"token": "who-knows"}))

    expect(card.message.get_by_role("heading")).to_have_text("Sign-in needed")


def test_a_card_without_a_customer_says_what_it_needs(page: Page, host: Host, server: Server) -> None:
    card = visit(page, host.show_card(server.url, instance=INSTANCE_ID))

    expect(card.message.get_by_role("heading")).to_have_text("No customer chosen")


def test_who_has_no_role_is_told_so(page: Page, host: Host, strict: Server, issuer: Issuer) -> None:
    token = issuer.token(datetime.now(UTC))
    card = visit(page, host.show_card(strict.url, **SHOWN | {"token": token}))

    expect(card.message.get_by_role("heading")).to_have_text("You may not see this customer")


def test_a_token_that_expires_while_the_card_is_open_is_replaced_without_losing_sight(
    page: Page, host: Host, server: Server, strict: Server, issuer: Issuer
) -> None:
    card = visit(page, host.show_card(strict.url, **SHOWN | {"token": signed(issuer)}))
    card.expect_ready()
    set_token = "(node, token) => { node.token = token; }"

    page.locator("customer-card").evaluate(set_token, signed(issuer, hours=2))
    patch(server, City="Oslo")

    expect(card.notice).to_contain_text("The sign-in has ended")
    expect(card.heading).to_have_text("Abbie Moss")
    page.locator("customer-card").evaluate(set_token, signed(issuer))
    expect(card.value("City")).to_have_text("Oslo")
    expect(card.notice).to_be_hidden()


def test_a_card_asks_its_page_for_another_token(page: Page, host: Host, strict: Server, issuer: Issuer) -> None:
    address = host.show_card(strict.url, **SHOWN | {"token": signed(issuer, hours=2)})
    page.add_init_script("addEventListener('card-token-required', () => { window.asked = true; });")

    page.goto(address)

    page.wait_for_function("window.asked")


def test_a_card_speaks_the_language_of_the_page_that_has_it(page: Page, host: Host, server: Server) -> None:
    card = visit(page, host.show_card(server.url, **SHOWN | {"lang": "de"}))

    card.expect_ready()
    expect(card.whole.get_by_role("heading", name="Aktivitäten")).to_be_visible()
