"""Who was who in the active generation, as its database has it."""

import asyncio
from pathlib import Path
from typing import Final

from ibis.expr import types as ir

from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output import remembered
from topcoat.flows.refresh.publication import Publication
from topcoat.flows.refresh.unify.identity import Identity
from topcoat.store import loading
from topcoat.store.staging import ALIASES, KEY_RING

_PREVIOUS: Final = "earlier_previous"


async def read_identity(publication: Publication, engine: Engine) -> Identity:
    """Empty before the first generation."""
    return Identity(
        key_ring=(await remembered.open_rows(publication, engine, KEY_RING)).drop("digest"),
        aliases=(await remembered.open_rows(publication, engine, ALIASES)).drop("digest"),
        previous=await _read_previous(publication, engine),
    )


async def _read_previous(publication: Publication, engine: Engine) -> ir.Table:
    file = engine.scratch / f"{_PREVIOUS}.csv"
    try:
        await loading.export_previous(publication.session, publication.instance_id, file)
        return await engine.run(lambda: _loaded(engine, file))
    finally:
        await asyncio.to_thread(file.unlink, missing_ok=True)


def _loaded(engine: Engine, file: Path) -> ir.Table:
    rows = remembered.read_exported(engine, file, ("customer_id", "previous_ids"))
    return engine.keep(_PREVIOUS, rows)
