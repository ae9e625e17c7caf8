"""Who was who before, as the database has it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from ibis.expr import types as ir

from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output import remembered
from topcoat.flows.refresh.publication import Publication
from topcoat.flows.refresh.unify.identity import Identity
from topcoat.store import loading
from topcoat.store.engine import Session
from topcoat.store.staging import ALIASES, KEY_RING

_ENDED: Final = "earlier_ended"
_PREVIOUS: Final = "earlier_previous"
_PREVIOUS_COLUMNS: Final = ("customer_id", "previous_ids")

Export = Callable[[Session, int, Path], Awaitable[None]]


async def read_identity(publication: Publication, engine: Engine) -> Identity:
    """Of the active generation; empty before the first."""
    return Identity(
        key_ring=(await remembered.open_rows(publication, engine, KEY_RING)).drop("digest"),
        aliases=(await remembered.open_rows(publication, engine, ALIASES)).drop("digest"),
        previous=await _read(publication, engine, _PREVIOUS, loading.export_previous, _PREVIOUS_COLUMNS),
        ended=await _read(publication, engine, _ENDED, loading.export_ended_keys, KEY_RING.key),
    )


async def _read(
    publication: Publication, engine: Engine, name: str, export: Export, columns: Sequence[str]
) -> ir.Table:
    file = engine.scratch / f"{name}.csv"
    try:
        with engine.within_limits():
            await export(publication.session, publication.instance_id, file)
        return await engine.run(lambda: engine.keep(name, remembered.read_exported(engine, file, columns)))
    finally:
        await asyncio.to_thread(file.unlink, missing_ok=True)
