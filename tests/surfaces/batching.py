"""Batches as the vendor's Python client writes them, and their answers as clients read them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

API = "/api/data/v9.2"
SERVICE = f"http://testserver{API}"
BOUNDARY = "batch_5a8f0d52-8b34-4ff3-9a1c-3f2f4f7c1a10"
CHANGESET = "changeset_0d3e2c61-2f0b-4a37-8f7f-62b9c6c3a001"
MIXED = f'multipart/mixed; boundary="{BOUNDARY}"'


@dataclass(frozen=True)
class Part:
    """One answer of a batch; `content` is what came, read as JSON where that is its type."""

    status: int
    headers: dict[str, str]
    content: Any
    content_id: str | None = None


def operation(line: str, *headers: str, body: Any = None, content_id: str | None = None) -> bytes:
    """A part, without its delimiters."""
    around = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    around += [] if content_id is None else [f"Content-ID: {content_id}"]
    typed = [] if body is None else ["Content-Type: application/json; type=entry"]
    content = [] if body is None else [json.dumps(body, ensure_ascii=False)]
    return "\r\n".join([*around, "", f"{line} HTTP/1.1", *typed, *headers, "", *content]).encode()


def changeset(*operations: bytes) -> bytes:
    return f'Content-Type: multipart/mixed; boundary="{CHANGESET}"\r\n\r\n'.encode() + joined(operations, CHANGESET)


def joined(parts: Sequence[bytes], boundary: str = BOUNDARY) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


async def send(client: httpx.AsyncClient, *parts: bytes, service: str = API, **headers: str) -> httpx.Response:
    sent = {"Content-Type": MIXED} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"{service}/$batch", content=joined(parts), headers=sent)


def read_answers(answer: httpx.Response) -> list[Part]:
    """Those of changesets among the others, in order."""
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=batchresponse_"), answer.text
    return _read(answer.text)


def _read(text: str) -> list[Part]:
    delimiter = text[: text.index("\r\n")]
    assert text.endswith(f"\r\n{delimiter}--\r\n")
    parts: list[Part] = []
    for section in text.removesuffix(f"{delimiter}--\r\n").split(f"{delimiter}\r\n")[1:]:
        head, _, content = section.partition("\r\n\r\n")
        around = _headers(head.split("\r\n"))
        if around["Content-Type"].startswith("multipart/mixed; boundary=changesetresponse_"):
            parts += _read(content.removesuffix("\r\n"))
        else:
            assert around["Content-Type"] == "application/http"
            assert around["Content-Transfer-Encoding"] == "binary"
            parts.append(_part(content.removesuffix("\r\n"), around.get("Content-ID")))
    return parts


def _part(text: str, content_id: str | None) -> Part:
    head, _, content = text.partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    version, status, phrase = line.split(" ", 2)
    assert version == "HTTP/1.1"
    assert phrase.replace(" ", "").isalpha()
    named = _headers(headers)
    is_json = named.get("Content-Type", "").startswith("application/json")
    return Part(int(status), named, json.loads(content) if is_json else content, content_id)


def _headers(lines: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition(": ") for line in lines)}
