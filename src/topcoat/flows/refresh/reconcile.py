"""What a refresh settles with the real-time overlay: confirmed changes (S9) and waiting activities (S14)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from topcoat.clock import Clock
from topcoat.core.catalog import Table
from topcoat.core.overlay import merge, override
from topcoat.core.overlay.override import View
from topcoat.store import activities, instances, overrides, profiles
from topcoat.store.activities import Batch
from topcoat.store.engine import Session, WriteConnection
from topcoat.store.instances import Stand
from topcoat.store.overrides import NewRelease
from topcoat.store.profiles import StoredProfile

CUSTOMERS_PER_COMMIT_MAX: Final = 500
ATTACHED_PER_COMMIT_MAX: Final = 500


async def confirm_changes(session: Session, clock: Clock, guid: str, table: Table, generation: int) -> int:
    """Release the columns for which a generation about to be activated brings the very value that shows.

    The releases count from that generation on, so nothing changes before it is active. Return how many there are.
    """
    confirmed, after = 0, ""
    while True:
        async with session.transaction() as connection:
            stand = await instances.lock_stand(connection, guid)
            assert stand is not None  # the refresh owns the instance
            now = max(clock.now(stand.service_time), stand.recorded_at)
            ids = await overrides.list_changed_ids(
                connection, stand.instance_id, now=now, after=after, limit=CUSTOMERS_PER_COMMIT_MAX
            )
            if not ids:
                return confirmed
            view = View(generation, stand.sequence, now)
            found = await profiles.fetch_profiles(connection, guid, ids, clock=clock, view=view)
            assert found is not None
            releases = _numbered(stand, [r for p in found.profiles.values() for r in _confirmations(table, p, view)])
            await _insert_releases(connection, stand, now, releases)
        confirmed += len(releases)
        after = ids[-1]


async def _insert_releases(
    connection: WriteConnection, stand: Stand, now: datetime, releases: list[NewRelease]
) -> None:
    if not releases:
        return
    await overrides.insert_releases(connection, instance_id=stand.instance_id, recorded_at=now, releases=releases)
    await instances.advance_counter(connection, stand.instance_id, sequence=releases[-1].sequence, recorded_at=now)


def _confirmations(table: Table, profile: StoredProfile, view: View) -> Iterator[NewRelease]:
    """One for every id of the profile under which live changes name the column."""
    live = override.live_overrides(profile.overrides, profile.releases, view)
    for column, winner in merge.winning_overrides(table, live).items():
        if winner.columns[column] != profile.document.get(column):
            continue
        for customer_id in sorted({change.customer_id for change in live if column in change.columns}):
            yield NewRelease(
                sequence=0,
                customer_id=customer_id,
                released_sequence=winner.sequence,
                column=column,
                generation=view.generation,
            )


def _numbered(stand: Stand, releases: list[NewRelease]) -> list[NewRelease]:
    return [replace(release, sequence=stand.sequence + place) for place, release in enumerate(releases, start=1)]


async def attach_waiting(session: Session, clock: Clock, guid: str) -> int:
    """Turn waiting activities whose customer is known now into real-time activities; return how many."""
    attached = 0
    while True:
        async with session.transaction() as connection:
            stand = await instances.lock_stand(connection, guid)
            assert stand is not None
            assert stand.generation is not None
            now = max(clock.now(stand.service_time), stand.recorded_at)
            batch = Batch(stand.instance_id, stand.generation, now)
            taken = await activities.take_attachable(connection, batch, limit=ATTACHED_PER_COMMIT_MAX)
            if not taken:
                return attached
            new = [replace(a, sequence=stand.sequence + place) for place, a in enumerate(taken, start=1)]
            attached += len(await activities.insert_activities(connection, batch, new))
            await instances.advance_counter(connection, stand.instance_id, sequence=new[-1].sequence, recorded_at=now)
