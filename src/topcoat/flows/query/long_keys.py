"""Keys that only a search tells from their GUIDs, which have no room for them."""

import uuid
from collections.abc import Collection

from topcoat.core import row_guids
from topcoat.flows.query.gathering import CHUNK_MAX
from topcoat.flows.query.reading import Reading
from topcoat.store import long_ids
from topcoat.store.long_ids import Kept


async def find_keys(reading: Reading, table: str, guid: uuid.UUID) -> list[str]:
    """Ids of customers, their aliases included, or of activities."""
    found = [key for kept in long_ids.PLACES[table] for key in await search(reading, kept, {guid})]
    return list(dict.fromkeys(found))


async def search(reading: Reading, kept: Kept, guids: Collection[uuid.UUID], scope: str = "") -> list[str]:
    """The keys of one place that have one of these GUIDs in a scope."""
    found: list[str] = []
    after, instance_id = "", reading.sight.instance_id
    while True:
        keys = await long_ids.list_long_ids(reading.store.scan, kept, instance_id, after=after, limit=CHUNK_MAX)
        found += [key for key in keys if row_guids.is_digested(key) and row_guids.guid_of(key, scope) in guids]
        if len(keys) < CHUNK_MAX:
            return found
        reading.deadline.check()
        after = keys[-1]
