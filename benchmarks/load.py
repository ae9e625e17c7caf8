"""A lean load generator: it shares the machine with the server it measures, so it parses no more than it must."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import uvloop

NextRequest = Callable[[], bytes]

ANSWER_TIMEOUT_SECONDS = 60.0
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


class LoadFailed(Exception):
    """The server closed a connection, or sent what this generator does not read."""


@dataclass(frozen=True, slots=True)
class Load:
    """How hard and how long: `seconds`, or fewer when `requests_max` were sent before.

    With `rate`, in requests a second, clients send when it is time; what is late for its time has waited since then.
    """

    clients: int
    seconds: float
    requests_max: int = 10_000_000
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    statuses: dict[int, int]


@dataclass(slots=True)
class _Run:
    """What the connections of one run share."""

    next_request: NextRequest
    requests_left: int
    pause: float
    next_at: float = 0.0
    deadline: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def next_moment(self) -> float:
        """When the next request is to be sent: now, unless there is a rate."""
        if not self.pause:
            return time.perf_counter()
        self.next_at += self.pause
        return self.next_at

    def is_over(self) -> bool:
        return self.requests_left <= 0 or time.perf_counter() >= self.deadline


def run_load(address: str, next_request: NextRequest, load: Load) -> Figures:
    """Every client sends its next request when it has the answer to its last one (a closed loop), and it is time."""
    return uvloop.run(_run_load(address, next_request, load))


async def _run_load(address: str, next_request: NextRequest, load: Load) -> Figures:
    target = urlsplit(address)
    run = _Run(next_request, requests_left=load.requests_max, pause=0.0 if load.rate is None else 1 / load.rate)
    connections = [await _connect(run, target.hostname or "127.0.0.1", target.port or 80) for _ in range(load.clients)]
    started = time.perf_counter()
    run.next_at, run.deadline = started, started + load.seconds
    for connection in connections:
        connection.start()
    async with asyncio.timeout(load.seconds + ANSWER_TIMEOUT_SECONDS):
        await asyncio.gather(*(connection.done for connection in connections))
    return _figures(run, time.perf_counter() - started)


async def _connect(run: _Run, host: str, port: int) -> "_Connection":
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: _Connection(run, loop.create_future()), host, port)
    return connection


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way."""

    def __init__(self, run: _Run, done: asyncio.Future[None]) -> None:
        self.done = done
        self._run = run
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports do not derive from it

    def start(self) -> None:
        if self._run.is_over():
            self._finish()
            return
        self._run.requests_left -= 1
        self._sent_at = self._run.next_moment()
        wait = self._sent_at - time.perf_counter()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            self._send()

    def _send(self) -> None:
        self._transport.write(self._run.next_request())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(_END_OF_HEAD)
        if head_end < 0:
            return
        try:
            answer_length = head_end + len(_END_OF_HEAD) + _body_length(self._received[:head_end])
        except ValueError as error:
            self._finish(LoadFailed(f"unreadable answer {self._received[:200]!r}: {error}"))
            return
        if len(self._received) >= answer_length:
            self._record(int(self._received[9:12]))

    def _record(self, status: int) -> None:
        self._run.latencies.append(time.perf_counter() - self._sent_at)
        self._run.statuses[status] += 1
        self._received = b""
        self.start()

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(LoadFailed(f"the server closed the connection: {exc}"))

    def _finish(self, error: LoadFailed | None = None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
        self._transport.close()


def _body_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.find(_LENGTH)
    if start >= 0:
        return int(lower[start + len(_LENGTH) :].split(b"\r\n", 1)[0])
    if b" 204 " in lower[:16]:
        return 0
    raise ValueError("no Content-Length")


def _figures(run: _Run, elapsed_seconds: float) -> Figures:
    if not run.latencies:
        raise LoadFailed("no answer arrived in the time given")
    ordered = sorted(run.latencies)
    return Figures(
        requests_per_second=len(ordered) / elapsed_seconds,
        p50_ms=percentile(ordered, 0.50) * 1000,
        p99_ms=percentile(ordered, 0.99) * 1000,
        statuses=dict(run.statuses),
    )


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
