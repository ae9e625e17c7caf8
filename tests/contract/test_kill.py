"""A process killed in the middle of its writes loses nothing that it acknowledged (S30)."""

import asyncio
import os
import random
import signal

import httpx

from tests.contract import traffic
from tests.contract.installation import Installation, Server
from tests.contract.traffic import ActivityPost, Ledger, ProfileChange, Write

KILLS = 20 if os.environ.get("TOPCOAT_TEST_THOROUGH") else 2
WRITES_A_KILL = 400
WHILE_SECONDS_MAX = 0.03


async def test_a_killed_process_loses_nothing_that_was_acknowledged(installation: Installation, server: Server) -> None:
    """S22, S30, S31: read through the survivor at once, through its successor, and after a restart of all."""
    ledger = Ledger()
    victim = installation.serve()
    for kill in range(KILLS):
        await write_and_kill(server, victim, ledger, kill)

        assert await lost(server, ledger) == []
        victim = installation.serve()
        assert await lost(victim, ledger) == []

    installation.stop()
    assert await lost(installation.serve(), ledger) == []


async def write_and_kill(survivor: Server, victim: Server, ledger: Ledger, kill: int) -> None:
    """Write through both; kill one a random while after some acknowledgement; go on with the other alone."""
    chance = random.Random(kill)
    moment = chance.randrange(WRITES_A_KILL // 10, WRITES_A_KILL // 2)
    while_seconds = chance.uniform(0, WHILE_SECONDS_MAX)  # a batch is answered at once: meet it at any stage
    acknowledged = unanswered = 0
    async with traffic.connected(survivor) as surviving, traffic.connected(victim) as dying:

        async def write_one(numbered: tuple[int, Write]) -> None:
            nonlocal acknowledged, unanswered
            number, write = numbered
            client = dying if number % 2 and victim.process.returncode is None else surviving
            try:
                status = await traffic.send(client, write)
            except httpx.TransportError:
                assert client is dying, "the survivor always answers"
                unanswered += 1
                ledger.doubt(write)
                return
            assert status in (201, 204), status
            ledger.acknowledge(write)
            acknowledged += 1
            if acknowledged == moment:
                asyncio.get_running_loop().call_later(while_seconds, victim.kill)

        customers = await traffic.list_customer_ids(surviving)
        await traffic.share_out(enumerate(planned(customers, kill)), write_one)

    assert acknowledged + unanswered == WRITES_A_KILL
    assert acknowledged > moment
    assert unanswered < traffic.CALLERS
    assert victim.process.returncode == -signal.SIGKILL


def planned(customers: list[str], kill: int) -> list[Write]:
    """A customer is changed once a kill, so that no two changes of it are on their way together."""
    changes: list[Write] = [ProfileChange(customer, f"555-{kill:04}") for customer in customers]
    posts: list[Write] = [
        ActivityPost(f"kill-{kill}-{number}", customers[number % len(customers)])
        for number in range(WRITES_A_KILL - len(changes))
    ]
    writes = changes + posts
    random.Random(kill).shuffle(writes)
    return writes


async def lost(service: Server, ledger: Ledger) -> list[object]:
    async with traffic.connected(service) as client:
        return await ledger.find_lost(client)
