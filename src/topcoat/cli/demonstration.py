"""The demo: a database, the sample environment and the service, ready in seconds."""

import asyncio
import shutil
import sys
from pathlib import Path

from topcoat import sample
from topcoat.cli import refreshing, server
from topcoat.cli.server import Addresses
from topcoat.core import errors, roles, sign_in, subscription_keys
from topcoat.settings import Settings
from topcoat.store import migrate
from topcoat.store.engine import Store

SAMPLE_FOLDER = "contoso"


def run(settings: Settings, *, size: int, is_fresh: bool) -> None:
    """Prepare what is missing, then serve; the sample is published again only when its size changed."""
    if is_fresh:
        _start_afresh(settings)
    migrate.migrate(settings.effective_database_url)
    environment = _write_sample(settings.home.absolute() / SAMPLE_FOLDER, size)
    if environment is not None or not asyncio.run(_is_published(settings)):
        path = settings.home.absolute() / SAMPLE_FOLDER / sample.ENVIRONMENT_FILE
        sys.stderr.write(refreshing.sentence(refreshing.refresh(settings, path)) + "\n")
    server.serve(settings, announce=lambda addresses: announce(addresses, settings.home / SAMPLE_FOLDER))


def _start_afresh(settings: Settings) -> None:
    shutil.rmtree(settings.home / SAMPLE_FOLDER, ignore_errors=True)
    if settings.database_url is not None:
        migrate.migrate(settings.effective_database_url, to="base")
        return
    for file in settings.home.glob("topcoat.db*"):
        file.unlink()


def _write_sample(folder: Path, size: int) -> Path | None:
    """Write the sample unless one of that size is there; return its environment file when it is new."""
    marker = folder / "size.txt"
    if marker.exists() and marker.read_text() == str(size):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    environment = sample.write_sample(folder, size)
    marker.write_text(str(size))
    return environment


async def _is_published(settings: Settings) -> bool:
    from topcoat.store import instances

    store = Store(settings.effective_database_url)
    try:
        async with store.glancing() as connection:
            stand = await instances.find_stand(connection, sample.INSTANCE_ID)
        return stand is not None and stand.generation is not None
    except errors.StoreUnreachable:
        return False
    finally:
        await store.close()


def announce(addresses: Addresses, folder: Path) -> None:
    """What there is to do at the address, and with the sample's files in the folder."""
    address = addresses.http
    base = f"{address}/api/instances/{sample.INSTANCE_ID}"
    key = subscription_keys.WELL_KNOWN[0]
    headers = f'-H "Authorization: Bearer topcoat-contributor" -H "Ocp-Apim-Subscription-Key: {key}"'
    lines = [
        "",
        f"Topcoat serves Contoso Coffee at {address}",
        *_secure_lines(addresses),
        f"  console         {address}/",
        f"  customers       {address}/card/{sample.INSTANCE_ID}",
        f"  Abbie's card    {address}/card/{sample.INSTANCE_ID}/{sample.ABBIE_MOSS_ID}",
        f"  instance        {sample.INSTANCE_ID}",
        f"  keys            {', '.join(subscription_keys.WELL_KNOWN)}",
        f"  tokens          {', '.join(roles.TOKENS)}",
        f"  clients' base   {address}/v1",
        f"  documentation   {address}/docs",
        "",
        "Read Abbie Moss, change her city for four hours, and read her again:",
        f"  curl {headers} \"{base}/data/Customer('{sample.ABBIE_MOSS_ID}')\"",
        f'  curl -X PATCH {headers} -H "Content-Type: application/json" -d \'{{"City": "Paris"}}\' '
        f'"{base}/data/Customer/{sample.ABBIE_MOSS_ID}"',
        '  curl -X POST -H "Authorization: Bearer topcoat-administrator" -H "Content-Type: application/json" '
        f'-d \'{{"advance": "PT4H"}}\' {address}/_topcoat/clock',
        "",
        "Make its profiles of raw tables, and score them:",
        f"  topcoat refresh {folder / sample.RAW_ENVIRONMENT_FILE} --truth {folder / sample.TRUTH_FILE}",
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _secure_lines(addresses: Addresses) -> list[str]:
    if addresses.https is None:
        return []
    trusted = [] if addresses.ca_file is None else [f"  CA to trust     {addresses.ca_file}"]
    return [
        f"  with https      {addresses.https}",
        *trusted,
        f"  signed tokens   {addresses.https}/{sign_in.TENANT}, client ids as the tokens, {sign_in.CLIENT_SECRET}",
    ]
