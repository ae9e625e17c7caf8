"""The tables. Instants are integer microseconds; row intervals `[generation_from, generation_to)` are half open (S21).

Every table that grows carries `instance_id` and `customer_id` in its primary key, and nothing refers across customers,
so that PostgreSQL can be distributed by `customer_id`. (`waiting_activity` has no customer yet, nor has every row of
`idempotency_key`; `source_record` has none.)
The indexes of an instance's search configuration are not here: `store/search_definitions.py` says which there are.
No index but a primary key begins with `instance_id`: on a table without statistics PostgreSQL would take any that does
for a look-up by key, and read the whole instance.
Every table with an `instance_id` says in `info` what it holds, so that copying, resetting and deleting an instance
reach it.
"""

from topcoat.store.schema import instances, operation, realtime, snapshot
from topcoat.store.schema.columns import HOLDS, Holding, metadata
from topcoat.store.schema.search import PROFILE_SEARCH_TEXT, is_on_both, is_own

__all__ = [
    "GENERATION_OPEN",
    "HEAD_REVISION",
    "HOLDS",
    "PROFILE_SEARCH_TEXT",
    "Holding",
    "instances",
    "is_on_both",
    "is_own",
    "metadata",
    "operation",
    "realtime",
    "snapshot",
]

HEAD_REVISION = "2026_11_25_1810"
GENERATION_OPEN = 2**63 - 1
