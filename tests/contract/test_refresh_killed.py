"""A refresh killed at any moment leaves the active generation as it was, and the next one succeeds at once (S20)."""

import csv
import os
import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.contract import traffic
from tests.contract.installation import Installation, Server
from tests.contract.traffic import ActivityPost, Ledger, ProfileChange, Write

IS_THOROUGH = bool(os.environ.get("TOPCOAT_TEST_THOROUGH"))
KILLS = 20 if IS_THOROUGH else 1  # of each kind of refresh, on each database
SAMPLE_SIZE = 1_500 if IS_THOROUGH else 400


@pytest.fixture(scope="module")
def installation(bare_installation: Installation) -> Installation:
    """Larger than for the other tests, so that there is something to interrupt."""
    bare_installation.publish_sample(SAMPLE_SIZE)
    return bare_installation


@dataclass(frozen=True, slots=True)
class Source:
    """An environment file of the sample, and the files that say where people live."""

    environment: Path
    customers: tuple[Path, ...]


def ready_made(folder: Path) -> Source:
    return Source(folder / "contoso.yaml", (folder / "customers.csv",))


def raw(folder: Path) -> Source:
    tables = ("eCommerce_eCommerceContacts", "LoyaltyScheme_loyCustomers")
    return Source(folder / "raw.yaml", tuple(folder / f"{table}.csv" for table in tables))


@pytest.mark.parametrize("find_source", [ready_made, raw])
async def test_a_refresh_killed_at_any_moment_changes_nothing_and_the_next_succeeds_at_once(
    installation: Installation, server: Server, find_source: Callable[[Path], Source]
) -> None:
    """S20, S22: and what was written in real time meanwhile is still there."""
    ledger = Ledger()
    source = find_source(installation.home / "contoso")
    seconds = publish_city(installation, source, "City 0")
    async with traffic.connected(server) as client:
        customers = await traffic.list_customer_ids(client)
        for kill in range(KILLS):
            moment = random.Random(kill).uniform(0.1, 1.0) * seconds
            set_city(source, f"City {kill + 1}")

            await refresh_and_kill(
                installation, source, client, ledger, customers=customers, kill=kill, after_seconds=moment
            )

            # A kill may also come after the activation, which is one step: all of the new then, none of the old.
            assert await cities(client) in ({f"City {kill}"}, {f"City {kill + 1}"})
            installation.do("refresh", str(source.environment))
            assert await cities(client) == {f"City {kill + 1}"}
            assert await ledger.find_lost(client) == []
        assert len(ledger) > 0


async def refresh_and_kill(
    installation: Installation,
    source: Source,
    client: httpx.AsyncClient,
    ledger: Ledger,
    *,
    customers: list[str],
    kill: int,
    after_seconds: float,
) -> None:
    """Write in real time while the refresh runs, until its last moment."""
    log = installation.home / f"{source.environment.stem}-{kill}.log"
    refresh = installation.start("refresh", str(source.environment), log=log)
    deadline = time.monotonic() + after_seconds
    number = 0
    try:
        while time.monotonic() < deadline and refresh.poll() is None:
            write = planned(customers, f"{source.environment.stem}-{kill}", number)
            assert await traffic.send(client, write) in (201, 204)
            ledger.acknowledge(write)
            number += 1
    finally:
        end(refresh)


def planned(customers: list[str], occasion: str, number: int) -> Write:
    customer = customers[number % len(customers)]
    if number % 2:
        return ProfileChange(customer, f"{occasion}-{number:05}")
    return ActivityPost(f"{occasion}-{number}", customer)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def publish_city(installation: Installation, source: Source, city: str) -> float:
    """Publish with everybody living in one city, and return the seconds that it takes."""
    set_city(source, city)
    started = time.monotonic()
    installation.do("refresh", str(source.environment))
    return time.monotonic() - started


def set_city(source: Source, city: str) -> None:
    for file in source.customers:
        with file.open(newline="", encoding="utf-8") as old:
            reader = csv.DictReader(old)
            rows = [row | {"City": city} for row in reader]
        assert reader.fieldnames is not None
        with file.open("w", newline="", encoding="utf-8") as new:
            writer = csv.DictWriter(new, reader.fieldnames)
            writer.writeheader()
            writer.writerows(rows)


async def cities(client: httpx.AsyncClient) -> set[object]:
    return {record["City"] for record in await traffic.list_records(client, "data/Customer?$select=City")}
