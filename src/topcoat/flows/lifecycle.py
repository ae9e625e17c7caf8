"""The life of an instance: made, renamed, copied, reset, deleted."""

import asyncio
import enum
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from topcoat.clock import Clock
from topcoat.core import definitions, errors, roles
from topcoat.core.catalog import shown
from topcoat.core.overlay import lifetime
from topcoat.core.roles import Assignment, PrincipalKind, Role
from topcoat.flows.instances import Instance, Instances
from topcoat.flows.permissions import Permissions
from topcoat.flows.search_index import SearchIndex
from topcoat.store import generations, instances, lifecycle, removal, role_assignments, search_configurations
from topcoat.store.engine import Session, Store, WriteConnection
from topcoat.store.instances import Stand

SWEEP_AWAITED_SECONDS: Final = 20.0
# Longer than a write takes that began before its instance was removed.
SWEPT_FOR_GOOD_AFTER: Final = timedelta(minutes=5)
log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Scope(enum.Enum):
    """What a reset takes away; who may do what always stays."""

    ALL = "all"
    DATA = "data"
    CONFIGURATION = "configuration"


@dataclass(frozen=True, slots=True)
class Description:
    """What an instance is made with."""

    guid: str
    name: str
    instance_type: str
    region: str | None = None
    profile_lifetime: timedelta = lifetime.PROFILE_LIFETIME
    activity_lifetime: timedelta = lifetime.ACTIVITY_LIFETIME
    environment_file: str | None = None


@dataclass(frozen=True, slots=True)
class Author:
    name: str
    kind: PrincipalKind


async def save_instance(
    connection: WriteConnection, description: Description, *, principal: str, now: datetime
) -> Stand:
    """Make an instance, empty and opened by the well-known keys, or bring the one with that GUID up to date."""
    await instances.save_instance(
        connection,
        guid=description.guid,
        name=description.name,
        instance_type=description.instance_type,
        profile_lifetime=description.profile_lifetime,
        activity_lifetime=description.activity_lifetime,
        region=description.region,
        environment_file=description.environment_file,
        principal=principal,
        now=now,
    )
    stand = await instances.find_stand(connection, description.guid)
    assert stand is not None  # it was just saved
    return stand


class Lifecycle:
    def __init__(
        self, store: Store, instances: Instances, permissions: Permissions, search_index: SearchIndex, clock: Clock
    ) -> None:
        self._store = store
        self._instances = instances
        self._permissions = permissions
        self._search_index = search_index
        self._clock = clock
        self._sweeping: set[asyncio.Task[None]] = set()

    async def create(self, description: Description, author: Author) -> Instance:
        """Raise `InstanceExists` for a GUID or a name that is taken."""
        definitions.check_text("instanceMetadata.name", description.name)
        async with self._store.writing() as connection:
            await self._add(connection, description, author)
        return await self._known_anew(description.guid)

    async def copy(self, source: str, description: Description, author: Author) -> Instance:
        """Make an instance with the tables and the configuration of another, and none of its records.

        Lifetimes are the source's, whatever the description says.
        """
        definitions.check_text("instanceMetadata.name", description.name)
        async with self._store.writing() as connection:
            await instances.lock_creation(connection)
            original = await self._locked(connection, source)
            description = replace(
                description,
                profile_lifetime=original.profile_lifetime,
                activity_lifetime=original.activity_lifetime,
            )
            made = await self._add(connection, description, author)
            await lifecycle.copy_rows(connection, original, made)
            await search_configurations.mark_unbuilt(connection, made.instance_id)
            await self._bring_tables(connection, made.instance_id, original)
        return await self._known_anew(description.guid)

    async def rename(self, guid: str, author: Author, *, name: str | None, instance_type: str | None) -> Instance:
        """What is None stays; raise `NameTaken`."""
        if name is not None:
            definitions.check_text("instanceMetadata.name", name)
        async with self._store.writing() as connection:
            await instances.lock_creation(connection)
            known = await instances.find_instance(connection, guid)
            if known is None:
                raise errors.InstanceNotFound(instance=shown(guid))
            if name is not None and await lifecycle.is_name_taken(connection, name, but_of=guid):
                raise errors.NameTaken(what="Instance", name=name)
            await lifecycle.rename_instance(
                connection,
                known.instance_id,
                name=known.name if name is None else name,
                instance_type=known.instance_type if instance_type is None else instance_type,
                principal=author.name,
                now=self._clock.system_now(),
            )
        return await self._instances.get_instance(guid)

    async def delete(self, guid: str) -> None:
        """Once this returns, nobody finds the instance; the sweep behind it may go on for a while.

        Raise `InstanceRefreshing` while there is a refresh.
        """
        async with self._owned(guid) as (session, instance_id), session.transaction() as connection:
            await instances.lock_creation(connection)
            stand = await self._locked(connection, guid, instance_id)
            await lifecycle.remove_instance(connection, stand, now=self._clock.system_now())
        log.info("instance_deleted", instance=guid)
        self._forget(guid)
        await self._sweep_behind()

    async def reset(self, guid: str, scope: Scope, author: Author) -> None:
        """Take away what the scope says; the tables stay, unless it is everything. Raise `InstanceRefreshing`."""
        async with self._owned(guid) as (session, instance_id), session.transaction() as connection:
            await instances.lock_creation(connection)
            stand = await self._locked(connection, guid, instance_id)
            await self._reset(connection, stand, scope, author)
        log.info("instance_reset", instance=guid, scope=scope.value)
        self._forget(guid)
        if scope is Scope.CONFIGURATION:
            await self._search_index.run(guid)
        await self._sweep_behind()

    async def sweep(self) -> int:
        """Delete what is left of removed instances; return how many rows that were."""
        async with self._store.glancing() as connection:
            unswept = await removal.list_unswept(connection)
        deleted = 0
        for removed in unswept:
            now = self._clock.system_now()
            async with self._store.session() as session:
                deleted += await removal.sweep(session, removed.instance_id)
                if now - removed.removed_at > SWEPT_FOR_GOOD_AFTER:
                    await removal.mark_swept(session, removed.instance_id, now)
        return deleted

    async def close(self) -> None:
        """Break off what is being swept; the next sweep goes on with it."""
        for task in self._sweeping:
            task.cancel()
        await asyncio.gather(*self._sweeping, return_exceptions=True)

    async def _add(self, connection: WriteConnection, description: Description, author: Author) -> Stand:
        await instances.lock_creation(connection)
        if await instances.find_instance(connection, description.guid) is not None:
            raise errors.InstanceExists(parameter="instanceId", value=description.guid)
        if await lifecycle.is_name_taken(connection, description.name, but_of=description.guid):
            raise errors.InstanceExists(parameter="name", value=description.name)
        now = self._clock.system_now()
        stand = await save_instance(connection, description, principal=author.name, now=now)
        if not self._permissions.default_rules.assignments:  # then nobody would own it
            principal_id = roles.principal_id_of(author.name)
            owner = Assignment(principal_id, author.kind, (Role.OWNER,))
            await role_assignments.save_assignment(connection, stand.instance_id, owner)
        return stand

    async def _reset(self, connection: WriteConnection, stand: Stand, scope: Scope, author: Author) -> None:
        if scope is Scope.CONFIGURATION:
            await lifecycle.delete_configuration(connection, stand.instance_id)
            return
        number = await lifecycle.replace_instance(
            connection,
            stand,
            keeps_configuration=scope is Scope.DATA,
            principal=author.name,
            now=self._clock.system_now(),
        )
        if scope is Scope.DATA:
            await search_configurations.mark_unbuilt(connection, number)
            await self._bring_tables(connection, number, stand)

    async def _bring_tables(self, connection: WriteConnection, instance_id: int, stand: Stand) -> None:
        if stand.generation is None:
            return
        last = await lifecycle.get_last_generation(connection, instance_id)
        now = max(self._clock.now(stand.service_time), stand.recorded_at)
        await lifecycle.add_empty_generation(connection, instance_id, stand, last=last, now=now)

    @asynccontextmanager
    async def _owned(self, guid: str) -> AsyncIterator[tuple[Session, int]]:
        """Keep refreshes away while the block runs."""
        instance_id = (await self._instances.read_current(guid)).instance_id
        async with self._store.session() as session:
            try:
                async with generations.owned(session, instance_id):
                    yield session, instance_id
            except errors.RefreshRunning:
                raise errors.InstanceRefreshing(instance=shown(guid)) from None

    async def _locked(self, connection: WriteConnection, guid: str, instance_id: int | None = None) -> Stand:
        """As the number that was found before, unless it was removed or reset since."""
        stand = await instances.lock_stand(connection, guid)
        if stand is None or instance_id not in (None, stand.instance_id):
            raise errors.InstanceNotFound(instance=shown(guid))
        return stand

    async def _known_anew(self, guid: str) -> Instance:
        self._forget(guid)
        return await self._instances.get_instance(guid)

    def _forget(self, guid: str) -> None:
        self._instances.forget(guid)
        self._permissions.forget(guid)

    async def _sweep_behind(self) -> None:
        """Wait for a sweep that is short; a long one goes on by itself."""
        task = asyncio.create_task(self._sweep_once())
        self._sweeping.add(task)
        task.add_done_callback(self._sweeping.discard)
        await asyncio.wait([task], timeout=SWEEP_AWAITED_SECONDS)

    async def _sweep_once(self) -> None:
        try:
            await self.sweep()
        except Exception:  # the edge of the task: the instance is gone, its rows can wait for the next sweep
            log.exception("sweep_failed")


def new_guid() -> str:
    return str(uuid.uuid4())
