"""Profiles with everything that bears on them, in one statement: the first half of every merged read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from topcoat.clock import Clock, from_microseconds
from topcoat.core.catalog import Document
from topcoat.core.overlay.override import Override, Release, View
from topcoat.store import overrides, profile_sql, rowset, views
from topcoat.store.engine import dump_json, load_json
from topcoat.store.point import PointConnection, PointStatement, Rows
from topcoat.store.profile_sql import at_generation

_SEQUENCE_MAX = 2**63 - 1
_IDS_MAX = 1_000_000
_NOTHING = "{}"


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A snapshot record and the changes and releases stored under its id or an alias of it, live or not."""

    customer_id: str
    document: Document
    overrides: list[Override]
    releases: list[Release]


@dataclass(frozen=True, slots=True)
class StoredProfiles:
    """`profiles` by surviving id, sorted; ids that name no profile are `strangers`, with changes and without values."""

    instance_id: int
    view: View | None
    profiles: dict[str, StoredProfile]
    strangers: list[StoredProfile]


async def fetch_profiles(
    connection: PointConnection,
    guid: str,
    customer_ids: Sequence[str],
    *,
    clock: Clock,
    view: View | None = None,
    has_aliases: bool = True,
) -> StoredProfiles | None:
    """Fetch at least one profile by id or alias, at a view or, without one, as they are now.

    None for an unknown instance. Without a view the answer says which one it was: the statement reads the service
    clock itself, so that a point read costs one round trip. Without aliases in the generation it is a simpler one.
    """
    values = views.view_values(guid, clock, view) | {
        "ids": dump_json(list(customer_ids)),
        "sequence": _SEQUENCE_MAX if view is None else view.sequence,
        "recorded_until": profile_sql.recorded_until(view),
    }
    rows = await connection.fetch_point(_fetch(connection.is_postgresql, has_aliases), values)
    return _assemble(rows, view) if rows else None


@cache
def _fetch(is_postgresql: bool, has_aliases: bool) -> PointStatement:  # noqa: FBT001 - cache keys
    """One row a surviving id; each part is a look-up of its own, so that no statistics can mislead the planner.

    A unary plus keeps a condition from choosing the index; the limit keeps the inner query from being merged into
    the outer one, which would find each survivor several times.
    """
    changes = profile_sql.changes_as_json(is_postgresql=is_postgresql)
    releases = profile_sql.releases_as_json(is_postgresql=is_postgresql)
    family, survivor = "= v.customer_id", "named.customer_id"
    if has_aliases:
        family = ("= ANY(ARRAY({}))" if is_postgresql else "IN ({})").format(_FAMILY)
        survivor = f"COALESCE({_SURVIVOR}, named.customer_id)"
    return PointStatement(f"""
SELECT v.instance_id, v.generation, v.last_sequence, v.now, v.customer_id,
       (SELECT CAST(p.document AS text) FROM snapshot_profile p
        WHERE p.instance_id = v.instance_id AND p.customer_id = v.customer_id
          AND {at_generation("p", "v.generation")} LIMIT 1),
       (SELECT {changes} FROM override o
        WHERE o.instance_id = v.instance_id AND o.customer_id {family}
          AND o.valid_until > v.now AND +o.sequence <= :sequence AND +o.recorded_at <= :recorded_until),
       (SELECT {releases} FROM override_release r
        WHERE r.instance_id = v.instance_id AND r.customer_id {family} AND +r.sequence <= :sequence
          AND +r.recorded_at <= :recorded_until)
FROM (
    SELECT s.instance_id, s.generation, s.last_sequence, s.now,
           {survivor} AS customer_id
    FROM ({views.VIEW_SQL}
    ) AS s
    CROSS JOIN {rowset.ids_from_json(is_postgresql=is_postgresql)}
    LIMIT {_IDS_MAX}
) AS v
""")


_FAMILY = f"""
        SELECT v.customer_id UNION ALL
        SELECT m.alias_id FROM alias m
        WHERE m.instance_id = v.instance_id AND m.customer_id = v.customer_id
          AND {at_generation("m", "v.generation")}"""

_SURVIVOR = f"""
        (SELECT a.customer_id FROM alias a
         WHERE a.instance_id = s.instance_id AND a.alias_id = named.customer_id
           AND {at_generation("a", "s.generation")} LIMIT 1)"""


def _assemble(rows: Rows, view: View | None) -> StoredProfiles:
    instance_id, generation, sequence, now = rows[0][:4]
    if view is None and generation is not None:
        view = View(generation, sequence, from_microseconds(now))
    found = {row[4]: row for row in rows if row[5] is not None}
    return StoredProfiles(
        instance_id,
        view,
        {customer_id: assemble_profile(*found[customer_id][4:]) for customer_id in sorted(found)},
        [assemble_profile(row[4], _NOTHING, *row[6:]) for row in rows if row[5] is None],
    )


def assemble_profile(customer_id: str, document: str, changes: str | None, releases: str | None) -> StoredProfile:
    """From the texts of `profile_sql`."""
    return StoredProfile(
        customer_id=customer_id,
        document=load_json(document),
        overrides=[_override(change) for change in load_json(changes)] if changes else [],
        releases=[overrides.load_release(*release) for release in load_json(releases)] if releases else [],
    )


def _override(parts: Sequence[Any]) -> Override:
    customer_id, sequence, valid_until, recorded_at, caller, principal, columns = parts
    return Override(
        sequence=sequence,
        customer_id=customer_id,
        columns=columns,
        recorded_at=from_microseconds(recorded_at),
        valid_until=from_microseconds(valid_until),
        caller=caller,
        principal=principal,
    )


async def list_documents(
    connection: PointConnection, *, instance_id: int, generation: int, customer_ids: Sequence[str]
) -> dict[str, Document]:
    """Snapshot records by the ids of their profiles."""
    values = {"instance_id": instance_id, "generation": generation, "ids": dump_json(list(customer_ids))}
    rows = await connection.fetch_point(_list_documents(connection.is_postgresql), values)
    return {customer_id: load_json(document) for customer_id, document in rows}


@cache
def _list_documents(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
SELECT p.customer_id, CAST(p.document AS text) FROM snapshot_profile p
WHERE p.instance_id = :instance_id AND p.customer_id {rowset.among_ids(is_postgresql=is_postgresql)}
  AND {at_generation("p")}
""")


async def list_family(
    connection: PointConnection, *, instance_id: int, generation: int, customer_ids: Sequence[str]
) -> dict[str, list[str]]:
    """Surviving id -> the ids that name it, itself first; ids of no profile are their own survivors."""
    values = {"instance_id": instance_id, "generation": generation, "ids": dump_json(list(customer_ids))}
    family: dict[str, list[str]] = {}
    for survivor, alias in await connection.fetch_point(_list_family(connection.is_postgresql), values):
        members = family.setdefault(survivor, [survivor])
        if alias is not None and alias not in members:
            members.append(alias)
    return family


@cache
def _list_family(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
WITH survivor AS (
    SELECT COALESCE((SELECT a.customer_id FROM alias a
                     WHERE a.instance_id = :instance_id AND a.alias_id = named.customer_id
                       AND {at_generation("a")} LIMIT 1), named.customer_id) AS customer_id
    FROM {rowset.ids_from_json(is_postgresql=is_postgresql)}
)
SELECT v.customer_id, m.alias_id
FROM survivor v
LEFT JOIN alias m ON m.instance_id = :instance_id AND m.customer_id = v.customer_id AND {at_generation("m")}
""")


async def find_survivor(
    connection: PointConnection, *, instance_id: int, generation: int, customer_id: str
) -> str | None:
    """The profile that an id names (S18); None where there is none."""
    values = {"instance_id": instance_id, "generation": generation, "customer_id": customer_id}
    rows = await connection.fetch_point(_FIND_SURVIVOR, values)
    return rows[0][0] if rows else None


_FIND_SURVIVOR = PointStatement(f"""
SELECT p.customer_id FROM snapshot_profile p
WHERE p.instance_id = :instance_id AND {at_generation("p")} AND p.customer_id = COALESCE(
    (SELECT a.customer_id FROM alias a
     WHERE a.instance_id = :instance_id AND a.alias_id = :customer_id AND {at_generation("a")} LIMIT 1),
    CAST(:customer_id AS text))
""")


async def find_survivors(
    connection: PointConnection, *, instance_id: int, generation: int, customer_ids: Sequence[str]
) -> dict[str, str]:
    """Alias -> the profile that it names (S18), for those ids that are aliases."""
    values = {"instance_id": instance_id, "generation": generation, "ids": dump_json(list(customer_ids))}
    rows = await connection.fetch_point(_find_survivors(connection.is_postgresql), values)
    return {row[0]: row[1] for row in rows}


@cache
def _find_survivors(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
SELECT a.alias_id, a.customer_id FROM alias a
WHERE a.instance_id = :instance_id AND a.alias_id {rowset.among_ids(is_postgresql=is_postgresql)}
  AND {at_generation("a")}
""")
