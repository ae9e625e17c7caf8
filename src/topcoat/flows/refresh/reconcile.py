"""How a refresh is held against the real-time overlay: outcomes of changes and activities, releases of what is
confirmed (S9), and waiting activities that find their customer (S14)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from topcoat.clock import Clock
from topcoat.core.catalog import CUSTOMER, Document, Table
from topcoat.core.overlay import override, reconciliation
from topcoat.core.overlay.override import View
from topcoat.core.overlay.reconciliation import Judging, Outcome, Verdict
from topcoat.flows.refresh.publication import Publication
from topcoat.store import activities, generations, instances, overrides, profiles
from topcoat.store import reconciliation as reconciliation_store
from topcoat.store.activities import Batch
from topcoat.store.engine import ReadConnection, Session
from topcoat.store.generations import Judged
from topcoat.store.instances import Stand
from topcoat.store.overrides import NewRelease
from topcoat.store.profiles import StoredProfile
from topcoat.store.staging import RECONCILIATION

CUSTOMERS_PER_PAGE_MAX: Final = 1_000
ATTACHED_PER_COMMIT_MAX: Final = 500


async def judge(publication: Publication) -> Judged:
    """Hold a generation about to be activated against the overlay: write the outcomes, and release the columns for
    which it brings the very value that shows.

    Outcomes and releases count from that generation on, so nothing changes before it is active.
    """
    session, instance_id = publication.session, publication.instance_id
    stand = await _stand(publication)
    now = max(publication.clock.now(stand.service_time), stand.recorded_at)
    since = await _judged_before(publication, now)
    pass_ = _Pass(publication, publication.catalog.get_table(CUSTOMER), since, now)
    await pass_.run()
    publication.report.confirmed = pass_.confirmed
    await reconciliation_store.stage_activities(
        session, instance_id, publication.report.generation, since=since, now=now
    )
    outcomes = await reconciliation_store.count_outcomes(session)
    await publication.write(RECONCILIATION)
    publication.report.reconciliation = outcomes
    return Judged(now, outcomes)


async def _judged_before(publication: Publication, now: datetime) -> datetime:
    """Nothing can have lapsed before the first refresh."""
    if not publication.active:
        return now
    async with publication.session.scratch() as connection:
        last = await generations.get_refreshed(connection, publication.instance_id)
    return last.at if last.judged is None else last.judged.at


async def _stand(publication: Publication) -> Stand:
    async with publication.session.scratch() as connection:
        return await _find_stand(connection, publication.guid)


async def _find_stand(connection: ReadConnection, guid: str) -> Stand:
    stand = await instances.find_stand(connection, guid)
    assert stand is not None  # the refresh owns the instance
    return stand


@dataclass(slots=True)
class _Pass:
    """Goes once through all changes that had not lapsed at `since`, by profile, in bounded pages.

    Judging takes no lock: the changes up to a sequence are always the same (S6), and one that comes in later is not
    released. `merged` are profiles with changes under several ids, of which the first brings all.
    """

    publication: Publication
    table: Table
    since: datetime
    now: datetime
    confirmed: int = 0
    merged: set[str] = field(default_factory=set)

    async def run(self) -> None:
        after: str | None = ""
        while after is not None:
            after = await self._judge_page(after)

    async def _judge_page(self, after: str) -> str | None:
        """Return the last id of the page; None where there is none."""
        async with self.publication.session.looking_up() as connection:
            stand = await _find_stand(connection, self.publication.guid)
            ids = await overrides.list_changed_ids(
                connection, stand.instance_id, now=self.since, after=after, limit=CUSTOMERS_PER_PAGE_MAX
            )
            if not ids:
                return None
            judged = await self._judge(connection, stand, ids)
        await reconciliation_store.stage_verdicts(
            self.publication.session, [verdict for _, verdicts in judged for verdict in verdicts]
        )
        view = self._view(stand)
        await self._release([r for stored, verdicts in judged for r in _confirmations(stored, verdicts, view)])
        return ids[-1]

    async def _judge(
        self, connection: ReadConnection, stand: Stand, ids: list[str]
    ) -> list[tuple[StoredProfile, list[Verdict]]]:
        found = await self._fetch(connection, stand, ids)
        strangers = {stranger.customer_id for stranger in found.strangers}
        changed = [stored for stored in (*found.profiles.values(), *found.strangers) if self._is_new(stored)]
        named = sorted({change.customer_id for stored in changed for change in stored.overrides})
        if not named:
            return []
        before = await self._list_before(connection, named)
        contradicted = await reconciliation_store.list_contradicted(connection, stand.instance_id, named)
        judging = Judging(self._view(stand), self.since, self.publication.stand.sequence)

        def judged(stored: StoredProfile, after: Document | None) -> list[Verdict]:
            return reconciliation.judge_changes(
                self.table,
                stored.overrides,
                stored.releases,
                judging,
                before=before,
                after=after,
                contradicted=contradicted,
            )

        return [(s, judged(s, None if s.customer_id in strangers else s.document)) for s in changed]

    async def _list_before(self, connection: ReadConnection, named: list[str]) -> dict[str, Document]:
        """What the active generation has of the profiles that these ids name in it."""
        active = {"instance_id": self.publication.instance_id, "generation": self.publication.active}
        survivors = await profiles.find_survivors(connection, **active, customer_ids=named)
        ids = {survivors.get(id_, id_) for id_ in named}
        documents = await profiles.list_documents(connection, **active, customer_ids=sorted(ids))
        known = ((id_, documents.get(survivors.get(id_, id_))) for id_ in named)
        return {id_: document for id_, document in known if document is not None}

    async def _fetch(self, connection: ReadConnection, stand: Stand, ids: list[str]) -> profiles.StoredProfiles:
        """With the changes that lapsed since."""
        view = replace(self._view(stand), now=self.since)
        found = await profiles.fetch_profiles(
            connection, self.publication.guid, ids, clock=self.publication.clock, view=view
        )
        assert found is not None  # the refresh owns the instance
        return found

    def _view(self, stand: Stand) -> View:
        return View(self.publication.report.generation, stand.sequence, self.now)

    def _is_new(self, stored: StoredProfile) -> bool:
        if stored.customer_id in self.merged:
            return False
        if any(change.customer_id != stored.customer_id for change in stored.overrides):
            self.merged.add(stored.customer_id)
        return True

    async def _release(self, releases: list[NewRelease]) -> None:
        if not releases:
            return
        publication = self.publication
        async with publication.session.transaction() as connection:
            stand = await instances.lock_stand(connection, publication.guid)
            assert stand is not None  # the refresh owns the instance
            now = max(publication.clock.now(stand.service_time), stand.recorded_at)
            new = [replace(r, sequence=stand.sequence + place) for place, r in enumerate(releases, start=1)]
            await overrides.insert_releases(connection, instance_id=stand.instance_id, recorded_at=now, releases=new)
            await instances.advance_counter(connection, stand.instance_id, sequence=new[-1].sequence, recorded_at=now)
        self.confirmed += len(new)


def _confirmations(stored: StoredProfile, verdicts: list[Verdict], view: View) -> Iterator[NewRelease]:
    """One for every id of the profile under which live changes name the column."""
    confirmed = [verdict for verdict in verdicts if verdict.outcome is Outcome.CONFIRMED]
    live = override.live_overrides(stored.overrides, stored.releases, view) if confirmed else []
    for verdict in confirmed:
        for customer_id in sorted({change.customer_id for change in live if verdict.column in change.columns}):
            yield NewRelease(
                sequence=0,
                customer_id=customer_id,
                released_sequence=verdict.change.sequence,
                column=verdict.column,
                generation=view.generation,
            )


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
