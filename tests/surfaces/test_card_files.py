"""The files that cards and pages consist of: their types, their conditions, and that nothing else is served."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import INSTANCE
from topcoat.surfaces.customer_card.origins import Origins
from topcoat.surfaces.pages import files

PAGE = "https://crm.example"
SCRIPT = "export const answer = 42;\n" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As the card's: a module, a text in a folder of its own, and a file that would only grow."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "card.js").write_text(SCRIPT)
    (tmp_path / "texts" / "en.json").write_text('{"name": "Name"}')
    (tmp_path / "icon.svg").write_text("<svg/>")
    return tmp_path


@pytest.fixture
async def browser(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """On the files alone, for pages of one other origin."""
    app = FastAPI()
    files.add_files(app, "/card", files.read_folder(folder), "Card-file", Origins((PAGE,)).headers)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("card.js", "text/javascript; charset=utf-8"),
        ("texts/en.json", "application/json"),
        ("icon.svg", "image/svg+xml"),
    ],
)
async def test_a_file_says_what_it_is(browser: httpx.AsyncClient, folder: Path, name: str, media_type: str) -> None:
    answer = await browser.get(f"/card/{name}")

    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content == (folder / name).read_bytes()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, br", "gzip"), ("*", "gzip"), ("gzip;q=0.5", "gzip"), ("gzip;q=0, *", None), ("br", None), ("", None)],
)
async def test_a_file_comes_compressed_to_whoever_takes_that(
    browser: httpx.AsyncClient, accepted: str, encoding: str | None
) -> None:
    async with browser.stream("GET", "/card/card.js", headers={"Accept-Encoding": accepted}) as answer:
        sent = b"".join([chunk async for chunk in answer.aiter_raw()])

    assert answer.headers.get("content-encoding") == encoding
    assert (gzip.decompress(sent) if encoding else sent).decode() == SCRIPT
    assert answer.headers["vary"] == "Accept-Encoding, Origin"


async def test_what_compressing_does_not_make_smaller_is_left_as_it_is(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/card/icon.svg", headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in answer.headers


async def test_a_file_that_did_not_change_is_not_sent_again(browser: httpx.AsyncClient) -> None:
    tag = (await browser.get("/card/card.js")).headers["etag"]
    same = await browser.get("/card/card.js", headers={"If-None-Match": tag, "Origin": PAGE})
    other = await browser.get("/card/card.js", headers={"If-None-Match": 'W/"other"'})

    assert (same.status_code, same.content, other.status_code) == (304, b"", 200)
    assert (same.headers["etag"], same.headers["access-control-allow-origin"]) == (tag, PAGE)


async def test_only_named_origins_may_use_the_modules(browser: httpx.AsyncClient) -> None:
    allowed = await browser.get("/card/card.js", headers={"Origin": PAGE})
    refused = await browser.get("/card/card.js", headers={"Origin": "https://evil.example"})

    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-origin" not in refused.headers


def test_a_file_of_unknown_type_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "notes.docx").write_text("x")

    with pytest.raises(LookupError, match="has no media type"):
        files.read_folder(tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "/card/unknown.js",
        "/card/texts/unknown.json",
        "/card/%2e%2e/router.py",
        "/card/texts/..%2f..%2frouter.py",
        "/pages/unknown.css",
    ],
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 404


async def test_the_files_of_pages_are_there(client: httpx.AsyncClient) -> None:
    answers = [await client.get(f"/pages/{name}") for name in ("pages.css", "pages.js", "icon.svg")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert "access-control-allow-origin" not in answers[0].headers


async def test_an_instance_is_not_taken_for_a_file(client: httpx.AsyncClient, abbie: str) -> None:
    answer = await client.get(f"/card/{INSTANCE}/{abbie}")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
