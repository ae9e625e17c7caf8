"""Pages as a reader without a script finds them."""

from html.parser import HTMLParser

import httpx


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))

    def find(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        return [own for name, own in self.elements if name == tag and attributes.items() <= own.items()]


async def open_page(browser: httpx.AsyncClient, path: str, status: int = 200, **headers: str) -> Elements:
    answer = await browser.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == status, answer.text
    return Elements(answer.text)
