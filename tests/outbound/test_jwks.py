"""Fetching the keys of issuers: from addresses and files, well made or not."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.surfaces.issuing import Issuer, ec_key, public_jwk, published, rsa_key
from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.outbound import jwks
from topcoat.outbound.jwks import Jwks, JwksUnusable


class Hand(Clock):
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        super().__init__(is_adjustable=False)
        self.seconds = 0.0

    def monotonic_seconds(self) -> float:
        return self.seconds


class Source:
    """Fails as long as it is told to."""

    def __init__(self) -> None:
        self.is_down = False
        self.asked = 0
        self.keys = [public_jwk(ec_key("first"), "first")]

    async def load(self) -> dict[str, Any]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise JwksUnusable("it is down")
        return {"keys": self.keys}


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, **documents: Any) -> Iterator[str]:
    """An issuer whose own documents are replaced by these."""
    issuer = Issuer(keys={"first": ec_key("first")})
    for name, document in documents.items():
        monkeypatch.setattr(issuer, name, lambda document=document: document)
    with published(issuer) as address:
        yield address


async def test_keys_are_found_by_discovery() -> None:
    issuer = Issuer(keys={"first": ec_key("first"), "second": rsa_key("first")})
    with published(issuer) as address:
        document = await jwks.discover(address)

    keys = jwks.read_keys(document)
    assert {key_id: key.algorithm_name for key_id, key in keys.items()} == {"first": "ES256", "second": "RS256"}


async def test_a_discovery_document_of_another_issuer_is_not_believed() -> None:
    with published(Issuer()) as address, pytest.raises(JwksUnusable, match="is not its own"):
        await jwks.discover(f"{address}/other")


async def test_an_address_that_does_not_answer_is_unusable() -> None:
    with published(Issuer()) as address:
        pass

    with pytest.raises(JwksUnusable, match="does not answer"):
        await jwks.fetch(f"{address}/keys")


async def test_what_is_no_document_is_unusable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    for file, reason in ((tmp_path / "broken.json", "is not JSON"), (tmp_path / "missing.json", "cannot be read")):
        with pytest.raises(JwksUnusable, match=reason):
            await jwks.read_file(file)
    with answering(monkeypatch, jwks=["keys"]) as address, pytest.raises(JwksUnusable, match="no JSON object"):
        await jwks.fetch(f"{address}/keys")
    too_long = {"keys": ["x" * jwks.DOCUMENT_BYTES_MAX]}
    with answering(monkeypatch, jwks=too_long) as address, pytest.raises(JwksUnusable, match="more than 524288 bytes"):
        await jwks.fetch(f"{address}/keys")


async def test_what_is_not_answered_with_200_is_unusable() -> None:
    with published(Issuer()) as address, pytest.raises(JwksUnusable, match="answers 404"):
        await jwks.fetch(f"{address}/nothing")


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "OKP"},
        {"crv": "P-384"},
        {"alg": "ES384"},
        {"x": "AAAA"},
        {"x": 7},
        {"y": None},
    ],
)
def test_keys_for_something_else_or_broken_ones_are_left_out(change: dict[str, Any]) -> None:
    broken = public_jwk(ec_key("second"), "second") | change

    keys = jwks.read_keys({"keys": [broken, 7, public_jwk(ec_key("first"), "first", alg="ES256")]})

    assert list(keys) == ["first"]


def test_a_private_key_that_was_published_is_read_as_a_public_one() -> None:
    published_in_error = public_jwk(rsa_key("first"), "first") | {"d": "AQAB", "p": "AQAB", "q": "AQAB"}

    [key] = jwks.read_keys({"keys": [published_in_error]}).values()

    assert not hasattr(key.key, "private_numbers")


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}])
def test_a_document_without_a_list_of_keys_is_unusable(document: dict[str, Any]) -> None:
    with pytest.raises(JwksUnusable, match="no list of keys"):
        jwks.read_keys(document)


@pytest.mark.parametrize(
    ("address", "is_trustworthy"),
    [
        ("https://issuer.example/v2.0", True),
        ("http://127.0.0.1:8300/keys", True),
        ("http://[::1]/keys", True),
        ("http://localhost/keys", True),
        ("http://issuer.example", False),
        ("http://127.0.0.1.issuer.example", False),
        ("ftp://issuer.example", False),
        ("issuer.example", False),
        ("http://[x", False),
        ("https://issuer.example:99999", False),
    ],
)
def test_keys_come_over_https_or_from_this_machine(address: str, is_trustworthy: bool) -> None:
    assert jwks.is_trustworthy(address) is is_trustworthy


async def test_keys_are_kept_while_the_issuer_is_down() -> None:
    clock, source = Hand(), Source()
    keys = Jwks(source.load, clock)
    first = await keys.find_key("first")
    source.is_down = True
    clock.seconds += jwks.KEYS_KEPT_SECONDS

    assert first is not None
    assert await keys.find_key("first") is first
    with pytest.raises(errors.IssuerUnreachable):
        await keys.find_key("second")
    assert source.asked == 2
    source.is_down = False
    clock.seconds += jwks.PAUSE_AFTER_FAILURE_SECONDS
    assert await keys.find_key("second") is None
    assert source.asked == 3


async def test_a_key_that_was_withdrawn_is_forgotten_after_an_hour() -> None:
    clock, source = Hand(), Source()
    keys = Jwks(source.load, clock)
    await keys.find_key("first")
    source.keys = []

    clock.seconds += jwks.KEYS_KEPT_SECONDS - 1
    kept = await keys.find_key("first")
    clock.seconds += 1

    assert kept is not None
    assert await keys.find_key("first") is None


async def test_many_who_ask_at_once_ask_the_issuer_once() -> None:
    source = Source()
    keys = Jwks(source.load, Hand())

    found = await asyncio.gather(*(keys.find_key("first") for _ in range(20)))

    assert len({id(key) for key in found}) == 1
    assert source.asked == 1
