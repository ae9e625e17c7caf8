"""What one read looks at: the present, an instant of the past or the future (S28), or what a token pinned (S25)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.catalog import Catalog, shown
from topcoat.core.overlay import history
from topcoat.core.overlay.override import View
from topcoat.flows.instances import Instances
from topcoat.store import views
from topcoat.store.engine import Store


@dataclass(frozen=True, slots=True)
class Sight:
    guid: str
    instance_id: int
    view: View
    catalog: Catalog
    has_aliases: bool = False


class Sights:
    """`horizon` is how far back anything is kept, in service time."""

    def __init__(self, store: Store, instances: Instances, clock: Clock, horizon: timedelta) -> None:
        self._store = store
        self._instances = instances
        self._clock = clock
        self._horizon = horizon

    async def look(self, guid: str, *, as_of: datetime | None = None, pinned: View | None = None) -> Sight:
        """Before the first refresh there is nothing to see: an empty catalog."""
        found = await views.find_sight(self._store.point, guid, self._clock)
        if found is None:
            raise errors.InstanceNotFound(instance=shown(guid))
        if found.view is None:
            view = View(0, 0, self._clock.system_now())
            return Sight(guid, found.instance_id, view, Catalog(()))
        view = await self._settle(found.instance_id, found.view, as_of=as_of, pinned=pinned)
        known = await self._instances.catalog_of(found.instance_id, view.generation)
        has_aliases = await self._instances.has_aliases(found.instance_id, view.generation)
        return Sight(guid, found.instance_id, view, known, has_aliases)

    async def _settle(self, instance_id: int, present: View, *, as_of: datetime | None, pinned: View | None) -> View:
        if pinned is not None:
            if pinned.now < present.now - self._horizon:
                raise errors.ContinuationInvalid(reason="what it pinned is no longer kept; start again")
            if pinned.generation != present.generation:
                await self._instances.check_kept(instance_id, pinned.generation)
            return pinned
        if as_of is None:
            return present
        if as_of >= present.now:
            return replace(present, now=as_of)
        generations = await views.list_generations(self._store.point, instance_id)
        number = history.generation_at(generations, as_of, kept_since=present.now - self._horizon)
        return View(number, present.sequence, as_of, recorded_until=as_of)
