"""What a read looks at, taken in one look: the instance, its active generation, its last write, the service's now."""

from dataclasses import dataclass
from typing import Any, Final

from topcoat.clock import Clock, from_microseconds, to_microseconds
from topcoat.core.overlay.history import GenerationRecord, GenerationState
from topcoat.core.overlay.override import View
from topcoat.store.point import PointConnection, PointStatement
from topcoat.store.profile_sql import at_generation

VIEW_SQL: Final = """
        SELECT i.instance_id, n.last_sequence,
               COALESCE(CAST(:generation AS bigint), i.active_generation) AS generation,
               COALESCE(CAST(:fixed_now AS bigint), c.frozen_at, CAST(:system_now AS bigint) + c.shift) AS now
        FROM instance i
        JOIN instance_counter n ON n.instance_id = i.instance_id
        CROSS JOIN service_clock c
        WHERE i.guid = :guid"""
"""Of the view's parts those that are given as parameters, else those that hold now."""


@dataclass(frozen=True, slots=True)
class Sight:
    """`view` is that of the present; None before the first refresh."""

    instance_id: int
    view: View | None


def view_values(guid: str, clock: Clock, view: View | None) -> dict[str, Any]:
    """The parameters of `VIEW_SQL`."""
    system_now = to_microseconds(clock.system_now())
    return {
        "guid": guid,
        "generation": None if view is None else view.generation,
        "system_now": system_now,
        "fixed_now": _fixed_now(clock, view, system_now),
    }


def _fixed_now(clock: Clock, view: View | None, system_now: int) -> int | None:
    """None where the service clock's row decides."""
    if view is not None:
        return to_microseconds(view.now)
    return None if clock.is_adjustable else system_now


async def find_sight(connection: PointConnection, guid: str, clock: Clock) -> Sight | None:
    """None for an unknown instance."""
    rows = await connection.fetch_point(_SIGHT, view_values(guid, clock, None))
    if not rows:
        return None
    instance_id, sequence, generation, now = rows[0]
    view = None if generation is None else View(generation, sequence, from_microseconds(now))
    return Sight(instance_id, view)


async def has_aliases(connection: PointConnection, instance_id: int, generation: int) -> bool:
    """Whether any profile of a generation goes by another id as well (S18); it never changes."""
    rows = await connection.fetch_point(_HAS_ALIASES, {"instance_id": instance_id, "generation": generation})
    return bool(rows)


async def list_generations(connection: PointConnection, instance_id: int) -> list[GenerationRecord]:
    rows = await connection.fetch_point(_GENERATIONS, {"instance_id": instance_id})
    return [
        GenerationRecord(
            number=number,
            state=GenerationState(state),
            activated_at=None if activated_at is None else from_microseconds(activated_at),
            closed_at=None if closed_at is None else from_microseconds(closed_at),
        )
        for number, state, activated_at, closed_at in rows
    ]


_SIGHT: Final = PointStatement(VIEW_SQL)
_HAS_ALIASES: Final = PointStatement(
    f"SELECT 1 FROM alias b WHERE b.instance_id = :instance_id AND {at_generation('b')} LIMIT 1"
)
_GENERATIONS: Final = PointStatement(
    "SELECT generation, state, activated_at, closed_at FROM generation WHERE instance_id = :instance_id"
)
