"""The stream behind an open card, over real sockets and from another worker's writes, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.contract.installation import INSTANCE_ID, Installation, Server, headers
from topcoat import sample

ABBIE = sample.ABBIE_MOSS_ID


@pytest.fixture(scope="module")
def other(installation: Installation) -> Server:
    """A second process on the same database."""
    return installation.serve()


@contextmanager
def open_stream(server: Server, customer_id: str = ABBIE) -> Iterator[Iterator[str]]:
    """The names of its events, one after the other."""
    address = f"{server.url}/card/api/{INSTANCE_ID}/events"
    asked: dict[str, Any] = {"params": {"customer": customer_id}, "headers": headers("viewer"), "timeout": 20}
    with httpx.stream("GET", address, trust_env=False, **asked) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield (line.removeprefix("event: ") for line in answer.iter_lines() if line.startswith("event: "))


def test_a_card_is_told_of_what_another_process_wrote(server: Server, other: Server) -> None:
    with open_stream(server) as events, other.client() as client:
        assert next(events) == "changed"
        answer = client.patch(f"/data/Customer/{ABBIE}", json={"City": "Paris"})

        assert (answer.status_code, next(events)) == (204, "changed")


def test_a_card_is_told_of_a_lapse_that_the_clock_brings(server: Server) -> None:
    with open_stream(server) as events:
        assert next(events) == "changed"
        server.set_clock(advance="PT4H")

        assert next(events) == "changed"


def test_who_may_not_read_may_not_listen(server: Server) -> None:
    address = f"{server.url}/card/api/{INSTANCE_ID}/events"
    asked = {"params": {"customer": "nobody"}, "trust_env": False}

    assert httpx.get(address, **asked).status_code == 401  # type: ignore[arg-type]
    assert httpx.get(address, headers=headers("viewer"), **asked).status_code == 404  # type: ignore[arg-type]


def test_open_cards_do_not_hold_up_the_end_of_the_service(installation: Installation) -> None:
    server = installation.serve()
    with open_stream(server) as events:
        assert next(events) == "changed"
        server.ask_to_stop()

        assert list(events) == []
    assert server.process.wait(20) == 0
