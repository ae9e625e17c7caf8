"""Profiles with everything that bears on them, in one statement: the first half of every merged read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text

from topcoat.clock import Clock, from_microseconds, to_microseconds
from topcoat.core.catalog import Document
from topcoat.core.overlay.override import Override, Release, View
from topcoat.store import overrides, rowset
from topcoat.store.engine import ReadConnection, dump_json, load_json

_SEQUENCE_MAX = 2**63 - 1


@dataclass(slots=True)
class StoredProfile:
    """A snapshot record and the changes and releases stored under its id or an alias of it, live or not."""

    customer_id: str
    document: Document
    overrides: list[Override] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StoredProfiles:
    """`profiles` by surviving id, sorted; ids that name no profile are not among them."""

    instance_id: int
    view: View | None
    profiles: dict[str, StoredProfile]


async def fetch_profiles(
    connection: ReadConnection,
    guid: str,
    customer_ids: Sequence[str],
    *,
    clock: Clock,
    view: View | None = None,
) -> StoredProfiles | None:
    """Fetch profiles by id or alias, at a view or, without one, as they are now; None for an unknown instance.

    Without a view the answer says which one it was: the statement reads the service clock itself, so that a point
    read costs one round trip.
    """
    system_now = to_microseconds(clock.system_now())
    values = {
        "guid": guid,
        "ids": dump_json(list(customer_ids)),
        "generation": None if view is None else view.generation,
        "sequence": _SEQUENCE_MAX if view is None else view.sequence,
        "system_now": system_now,
        "fixed_now": _fixed_now(clock, view, system_now),
    }
    rows = await connection.fetch_all(_fetch(connection.is_postgresql), values)
    return _assemble(rows) if rows else None


def _fixed_now(clock: Clock, view: View | None, system_now: int) -> int | None:
    if view is not None:
        return to_microseconds(view.now)
    return None if clock.is_adjustable else system_now


@cache
def _fetch(is_postgresql: bool) -> TextClause:  # noqa: FBT001 - a cache key
    at_generation = "{0}.generation_from <= s.generation AND {0}.generation_to > s.generation"
    return text(f"""
WITH stand AS (
    SELECT i.instance_id,
           COALESCE(CAST(:generation AS bigint), i.active_generation) AS generation,
           COALESCE(CAST(:fixed_now AS bigint), c.frozen_at, CAST(:system_now AS bigint) + c.shift) AS now,
           n.last_sequence
    FROM instance i
    JOIN instance_counter n ON n.instance_id = i.instance_id
    CROSS JOIN service_clock c
    WHERE i.guid = :guid
), survivor AS (
    SELECT DISTINCT COALESCE(a.customer_id, named.customer_id) AS customer_id
    FROM stand s
    CROSS JOIN {rowset.ids_from_json(is_postgresql=is_postgresql)}
    LEFT JOIN alias a ON a.instance_id = s.instance_id AND a.alias_id = named.customer_id
                     AND {at_generation.format("a")}
), family AS (
    SELECT customer_id AS survivor_id, customer_id AS member_id FROM survivor
    UNION ALL
    SELECT a.customer_id, a.alias_id
    FROM stand s
    CROSS JOIN survivor v
    JOIN alias a ON a.instance_id = s.instance_id AND a.customer_id = v.customer_id
                AND {at_generation.format("a")}
)
SELECT 0 AS kind, '' AS survivor_id, '' AS customer_id, s.last_sequence AS sequence, s.now AS valid_until,
       s.generation AS recorded_at, CAST(NULL AS text) AS caller, CAST(NULL AS text) AS principal,
       CAST(NULL AS text) AS document, CAST(s.instance_id AS bigint) AS released_sequence,
       CAST(NULL AS text) AS column_name, CAST(NULL AS bigint) AS generation
FROM stand s
UNION ALL
SELECT 1, p.customer_id, p.customer_id, NULL, NULL, NULL, NULL, NULL, CAST(p.document AS text), NULL, NULL, NULL
FROM stand s
CROSS JOIN survivor v
JOIN snapshot_profile p ON p.instance_id = s.instance_id AND p.customer_id = v.customer_id
                       AND {at_generation.format("p")}
UNION ALL
SELECT 2, f.survivor_id, o.customer_id, o.sequence, o.valid_until, o.recorded_at, o.caller, o.principal,
       CAST(o.column_values AS text), NULL, NULL, NULL
FROM stand s
CROSS JOIN family f
JOIN override o ON o.instance_id = s.instance_id AND o.customer_id = f.member_id
               AND o.valid_until > s.now AND o.sequence <= :sequence
UNION ALL
SELECT 3, f.survivor_id, r.customer_id, r.sequence, NULL, NULL, NULL, NULL, NULL, r.released_sequence,
       r.column_name, r.generation
FROM stand s
CROSS JOIN family f
JOIN override_release r ON r.instance_id = s.instance_id AND r.customer_id = f.member_id
                       AND r.sequence <= :sequence
""")


def _assemble(rows: Sequence[Any]) -> StoredProfiles:
    stand = next(row for row in rows if row.kind == 0)
    profiles = {
        row.customer_id: StoredProfile(row.customer_id, load_json(row.document)) for row in rows if row.kind == 1
    }
    for row in rows:
        profile = profiles.get(row.survivor_id)
        if profile is None:
            continue
        if row.kind == 2:
            profile.overrides.append(overrides.load_override(row))
        elif row.kind == 3:
            profile.releases.append(overrides.load_release(row))
    view = (
        None
        if stand.recorded_at is None
        else View(stand.recorded_at, stand.sequence, from_microseconds(stand.valid_until))
    )
    return StoredProfiles(stand.released_sequence, view, dict(sorted(profiles.items())))


async def list_profile_ids(
    connection: ReadConnection,
    *,
    instance_id: int,
    generation: int,
    after: str | None,
    skip: int,
    limit: int,
) -> list[str]:
    """Ids in order, from behind `after` on."""
    values = {
        "instance_id": instance_id,
        "generation": generation,
        "after": after or "",
        "skip": skip,
        "limit": limit,
    }
    return [row[0] for row in await connection.fetch_all(_LIST_IDS, values)]


_LIST_IDS = text("""
SELECT customer_id FROM snapshot_profile
WHERE instance_id = :instance_id AND generation_from <= :generation AND generation_to > :generation
  AND customer_id > :after
ORDER BY customer_id LIMIT :limit OFFSET :skip
""")


async def list_family(
    connection: ReadConnection, *, instance_id: int, generation: int, customer_ids: Sequence[str]
) -> dict[str, list[str]]:
    """Surviving id -> the ids that name it, itself first; ids of no profile are their own survivors."""
    values = {"instance_id": instance_id, "generation": generation, "ids": dump_json(list(customer_ids))}
    rows = await connection.fetch_all(_list_family(connection.is_postgresql), values)
    family: dict[str, list[str]] = {}
    for row in rows:
        members = family.setdefault(row.customer_id, [row.customer_id])
        if row.alias_id is not None and row.alias_id not in members:
            members.append(row.alias_id)
    return family


@cache
def _list_family(is_postgresql: bool) -> TextClause:  # noqa: FBT001 - a cache key
    return text(f"""
WITH survivor AS (
    SELECT COALESCE(a.customer_id, named.customer_id) AS customer_id
    FROM {rowset.ids_from_json(is_postgresql=is_postgresql)}
    LEFT JOIN alias a ON a.instance_id = :instance_id AND a.alias_id = named.customer_id
                     AND a.generation_from <= :generation AND a.generation_to > :generation
)
SELECT v.customer_id, m.alias_id
FROM survivor v
LEFT JOIN alias m ON m.instance_id = :instance_id AND m.customer_id = v.customer_id
                 AND m.generation_from <= :generation AND m.generation_to > :generation
""")
