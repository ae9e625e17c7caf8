"""The whole service as a few lists: what it should have done with every write, refresh and move of its clock."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.parity import reference
from tests.parity.worlds import HORIZON, Generation, Refresh, StoredRelease, World, activity_of, brought_generation
from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER, PREVIOUS_CUSTOMER_ID, Catalog, Document
from topcoat.core.overlay import lifetime, merge
from topcoat.core.overlay.override import Confirmation, Override, View, Withdrawal


@dataclass
class ServiceModel:
    """Each method does to `world` what the flow of the same name does to the database, and raises what that does."""

    world: World
    last_generation: int = 0

    @classmethod
    def at(cls, now: datetime, catalog: Catalog) -> "ServiceModel":
        return cls(World((), now=now, catalog=catalog))

    @property
    def active(self) -> Generation:
        return self.world.generations[-1]

    def override(self, customer_id: str, columns: Document, valid_for: timedelta) -> None:
        self._check_named(customer_id)
        now, sequence = self.world.now, self._next_sequence()
        change = Override(sequence, customer_id, columns, now, now + valid_for, "tests", "tests")
        self.world = replace(self.world, overrides=(*self.world.overrides, change))

    def ingest(self, activity_id: str, customer_id: str, document: Document, valid_for: timedelta) -> None:
        survivor = self._survivor(customer_id)
        if survivor not in self.active.profiles:
            raise errors.UnknownCustomer(customer_id=customer_id)
        if (activity_id, survivor) in self.active.activities or activity_id in self._live_activity_ids(survivor):
            raise errors.ActivityExists(activity_id=activity_id)
        now = self.world.now
        written = activity_of(
            activity_id,
            customer_id,
            document,
            sequence=self._next_sequence(),
            recorded_at=now,
            valid_until=now + valid_for,
        )
        self.world = replace(self.world, activities=(*self.world.activities, written))

    def live_changes(self, customer_id: str) -> list[Override]:
        self._check_named(customer_id)
        generation, view = self.world.view(None)
        return reference.live_changes(self.world, generation, view, self._survivor(customer_id))

    def withdraw(self, change: Override) -> None:
        self._release([StoredRelease(change.customer_id, self.world.now, Withdrawal(0, change.sequence))])

    def advance(self, duration: timedelta) -> None:
        self.world = replace(self.world, now=self.world.now + duration)

    def refresh(self, brought: Refresh) -> Generation:
        """What the files have to say, for the refresh to end as it does here."""
        now, before = self.world.now, self.world.generations
        self.last_generation += 1
        profiles = before[-1].profiles if before else {}
        new = brought_generation(brought, profiles, number=self.last_generation, activated_at=now, closed_at=None)
        stated = replace(new, profiles=_with_previous_ids(new))
        aliases = dict(stated.aliases)
        for alias, survivor in before[-1].aliases.items() if before else ():
            if survivor in stated.aliases and alias not in stated.profiles:  # it leads on (S18)
                aliases.setdefault(alias, stated.aliases[survivor])
        published = replace(stated, aliases=aliases)
        self._confirm(published)
        closed = [*before[:-1], replace(before[-1], closed_at=now)] if before else []
        kept = [g.number for g in closed if g.closed_at and g.closed_at > now - HORIZON] + [
            g.number for g in closed[-1:]
        ]
        self.world = replace(
            self.world, generations=(*(g for g in closed if g.number >= min(kept, default=0)), published)
        )
        return stated

    def undo(self) -> None:
        if len(self.world.generations) < 2:
            raise errors.NothingToUndo
        *earlier, previous, undone = self.world.generations
        self.world = replace(
            self.world,
            generations=(*earlier, replace(previous, closed_at=None)),
            voids=(*self.world.voids, (undone.activated_at, self.world.now)),
            releases=tuple(s for s in self.world.releases if not _is_beyond(s, previous.number)),
        )

    def _confirm(self, generation: Generation) -> None:
        """S9: the source has caught up where it brings the value that shows."""
        view = View(generation.number, self.world.last_sequence, self.world.now)
        for customer_id, document in generation.profiles.items():
            live = reference.live_changes(self.world, generation, view, customer_id)
            table = self.world.catalog.get_table(CUSTOMER)
            for column, winner in merge.winning_overrides(table, live).items():
                if winner.columns[column] == document.get(column):
                    ids = sorted({change.customer_id for change in live if column in change.columns})
                    confirmation = Confirmation(0, column, winner.sequence, generation.number)
                    self._release(StoredRelease(i, self.world.now, confirmation) for i in ids)

    def _release(self, releases: Iterable[StoredRelease]) -> None:
        for stored in releases:
            numbered = replace(stored, release=replace(stored.release, sequence=self._next_sequence()))
            self.world = replace(self.world, releases=(*self.world.releases, numbered))

    def _next_sequence(self) -> int:
        self.world = replace(self.world, last_sequence=self.world.last_sequence + 1)
        return self.world.last_sequence

    def _survivor(self, customer_id: str) -> str:
        return self.active.survivor(customer_id)

    def _check_named(self, customer_id: str) -> None:
        if self._survivor(customer_id) not in self.active.profiles:
            raise errors.RecordNotFound(table="Customer", record_id=customer_id)

    def _live_activity_ids(self, survivor: str) -> set[str]:
        family, now = self.active.family(survivor), self.world.now
        stored = (a for a in self.world.activities if a.customer_id in family)
        return {a.activity_id for a in stored if a.valid_until and lifetime.is_live(a.valid_until, now)}


def _with_previous_ids(generation: Generation) -> dict[str, Document]:
    """The profiles as files name their aliases."""
    shown = {}
    for customer_id, document in generation.profiles.items():
        kept = {name: value for name, value in document.items() if name != PREVIOUS_CUSTOMER_ID}
        previous = sorted(alias for alias, survivor in generation.aliases.items() if survivor == customer_id)
        shown[customer_id] = kept | ({PREVIOUS_CUSTOMER_ID: ";".join(previous)} if previous else {})
    return shown


def _is_beyond(stored: StoredRelease, generation: int) -> bool:
    return isinstance(stored.release, Confirmation) and stored.release.generation > generation
