"""The public keys that issuers sign their tokens with, fetched and kept."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson
import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from topcoat.clock import Clock
from topcoat.core import errors

KEYS_KEPT_SECONDS: Final = 3600.0
FETCHES_MAX: Final = 5
FETCHES_WINDOW_SECONDS: Final = 60.0
PAUSE_AFTER_FAILURE_SECONDS: Final = 5.0
FETCH_TIMEOUT_SECONDS: Final = 5.0
DOCUMENT_BYTES_MAX: Final = 512 * 1024
# All that a key may have to do with here: no secrets, no other algorithms.
_PUBLIC_PARTS: Final = {"RS256": ("kty", "n", "e"), "ES256": ("kty", "crv", "x", "y")}
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Document = dict[str, Any]
Keys = dict[str, PyJWK]
log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Jwks:
    """The keys of one issuer by their ids.

    A key that is not among those kept is looked for again, so many times a minute, for issuers change their keys.
    While the issuer does not answer, the keys that it had are kept.
    """

    def __init__(self, load: Callable[[], Awaitable[Document]], clock: Clock) -> None:
        self._load = load
        self._clock = clock
        self._keys: Keys = {}
        self._stale_at = self._next_at = clock.monotonic_seconds()
        self._has_failed = False
        self._loading = asyncio.Lock()
        self._attempts = 0
        self._attempted_at: deque[float] = deque(maxlen=FETCHES_MAX)

    async def find_key(self, key_id: str | None) -> PyJWK | None:
        """Without an id, the only key; raise `IssuerUnreachable` where nobody can tell whether there is such a key."""
        is_stale = self._clock.monotonic_seconds() >= self._stale_at
        key = None if is_stale else self._kept(key_id)
        if key is None:
            await self._renew()
            key = self._kept(key_id)
        if key is None and self._has_failed:
            raise errors.IssuerUnreachable
        return key

    def _kept(self, key_id: str | None) -> PyJWK | None:
        if key_id is not None:
            return self._keys.get(key_id)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    async def _renew(self) -> None:
        """Whoever comes while it is being done waits for it; whoever comes when it was done too often, does without."""
        attempts = self._attempts
        async with self._loading:
            now = self._clock.monotonic_seconds()
            if self._attempts != attempts or now < self._next_at or self._is_exhausted(now):
                return
            self._attempted_at.append(now)
            try:
                self._keys = read_keys(await self._load())
            except JwksUnusable as error:
                self._has_failed = True
                self._next_at = now + PAUSE_AFTER_FAILURE_SECONDS
                log.warning("issuer_keys_failed", reason=str(error))
            else:
                self._has_failed = False
                self._stale_at = now + KEYS_KEPT_SECONDS
            self._attempts += 1

    def _is_exhausted(self, now: float) -> bool:
        return len(self._attempted_at) == FETCHES_MAX and now < self._attempted_at[0] + FETCHES_WINDOW_SECONDS


class JwksUnusable(Exception):
    """What keeps the keys of an issuer from being read; for the log, not for callers."""


def read_keys(document: Document) -> Keys:
    """Those for RS256 and ES256 signatures; others are for others."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise JwksUnusable("the document has no list of keys")
    found = (_read_key(key) for key in listed if isinstance(key, dict))
    return {key.key_id or "": key for key in found if key is not None}


def _read_key(document: Document) -> PyJWK | None:
    algorithm = _algorithm_of(document)
    if algorithm is None:
        return None
    public = {name: document.get(name) for name in _PUBLIC_PARTS[algorithm]}
    try:
        return PyJWK({**public, "kid": document.get("kid")}, algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):  # as many as there are ways to be broken
        log.warning("issuer_key_unreadable", key_id=str(document.get("kid")))
        return None


def _algorithm_of(document: Document) -> str | None:
    if document.get("use", "sig") != "sig":
        return None
    match document.get("kty"), document.get("crv"):
        case "RSA", _:
            algorithm = "RS256"
        case "EC", "P-256":
            algorithm = "ES256"
        case _:
            return None
    return algorithm if document.get("alg", algorithm) == algorithm else None


async def discover(issuer: str) -> Document:
    """By OpenID Connect Discovery: the document says where the keys are, and has to be that issuer's."""
    found = await fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    address = found.get("jwks_uri")
    if found.get("issuer") != issuer or not isinstance(address, str) or not is_trustworthy(address):
        raise JwksUnusable(f"the discovery document of {issuer} is not its own, or names no secure address of keys")
    return await fetch(address)


async def fetch(address: str) -> Document:
    try:
        async with (
            httpx.AsyncClient(timeout=FETCH_TIMEOUT_SECONDS) as client,
            asyncio.timeout(FETCH_TIMEOUT_SECONDS),
            client.stream("GET", address, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise JwksUnusable(f"{address} answers {answer.status_code}")
            return _document(await _read_bounded(answer))
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        raise JwksUnusable(f"{address} does not answer: {type(error).__name__} {error}") from error


async def read_file(path: Path) -> Document:
    try:
        return _document(await asyncio.to_thread(path.read_bytes))
    except OSError as error:
        raise JwksUnusable(f"{path} cannot be read: {error.strerror}") from error


def is_trustworthy(address: str) -> bool:
    """Keys that come over plain http could be anybody's, unless they come from this machine."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # which is read, and refused, only now
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


async def _read_bounded(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > DOCUMENT_BYTES_MAX:
            raise JwksUnusable(f"{answer.url} answers more than {DOCUMENT_BYTES_MAX} bytes")
    return body


def _document(body: bytes) -> Document:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise JwksUnusable("the document is not JSON") from error
    if not isinstance(document, dict):
        raise JwksUnusable("the document is no JSON object")
    return document
