"""A refresh killed at any moment leaves the active generation as it was, and the next one succeeds at once (S20)."""

import csv
import os
import random
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.contract import traffic
from tests.contract.installation import Installation, Server
from tests.contract.traffic import ActivityPost, Ledger, ProfileChange, Write

KILLS = 20 if os.environ.get("TOPCOAT_TEST_THOROUGH") else 2
SAMPLE_SIZE = 1_500


@pytest.fixture(scope="module")
def installation(bare_installation: Installation) -> Installation:
    """Larger than for the other tests, so that there is something to interrupt."""
    bare_installation.publish_sample(SAMPLE_SIZE)
    return bare_installation


async def test_a_refresh_killed_at_any_moment_changes_nothing_and_the_next_succeeds_at_once(
    installation: Installation, server: Server
) -> None:
    """S20, S22: and what was written in real time meanwhile is still there."""
    ledger = Ledger()
    seconds = publish_city(installation, "City 0")
    async with traffic.connected(server) as client:
        customers = await traffic.list_customer_ids(client)
        for kill in range(KILLS):
            moment = random.Random(kill).uniform(0.1, 1.0) * seconds
            set_city(installation, f"City {kill + 1}")

            await refresh_and_kill(installation, client, ledger, customers=customers, kill=kill, after_seconds=moment)

            # A kill may also come after the activation, which is one step: all of the new then, none of the old.
            assert await cities(client) in ({f"City {kill}"}, {f"City {kill + 1}"})
            installation.do("refresh", environment_file(installation))
            assert await cities(client) == {f"City {kill + 1}"}
            assert await ledger.find_lost(client) == []
        assert len(ledger) > 0


async def refresh_and_kill(
    installation: Installation,
    client: httpx.AsyncClient,
    ledger: Ledger,
    *,
    customers: list[str],
    kill: int,
    after_seconds: float,
) -> None:
    """Write in real time while the refresh runs, until its last moment."""
    log = installation.home / f"refresh-{kill}.log"
    refresh = installation.start("refresh", environment_file(installation), log=log)
    deadline = time.monotonic() + after_seconds
    number = 0
    try:
        while time.monotonic() < deadline and refresh.poll() is None:
            write = planned(customers, kill, number)
            assert await traffic.send(client, write) in (201, 204)
            ledger.acknowledge(write)
            number += 1
    finally:
        end(refresh)


def planned(customers: list[str], kill: int, number: int) -> Write:
    customer = customers[number % len(customers)]
    if number % 2:
        return ProfileChange(customer, f"555-{kill:02}{number:05}")
    return ActivityPost(f"refresh-{kill}-{number}", customer)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def publish_city(installation: Installation, city: str) -> float:
    """Publish with everybody living in one city, and return the seconds that it takes."""
    set_city(installation, city)
    started = time.monotonic()
    installation.do("refresh", environment_file(installation))
    return time.monotonic() - started


def set_city(installation: Installation, city: str) -> None:
    file = Path(environment_file(installation)).with_name("customers.csv")
    with file.open(newline="", encoding="utf-8") as source:
        reader = csv.DictReader(source)
        rows = [row | {"City": city} for row in reader]
    assert reader.fieldnames is not None
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, reader.fieldnames)
        writer.writeheader()
        writer.writerows(rows)


def environment_file(installation: Installation) -> str:
    return str(installation.home / "contoso" / "contoso.yaml")


async def cities(client: httpx.AsyncClient) -> set[object]:
    return {record["City"] for record in await traffic.list_records(client, "data/Customer?$select=City")}
