"""Who enters an instance, and as what: subscription keys and role assignments."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from topcoat.clock import Clock
from topcoat.core import errors, roles, subscription_keys
from topcoat.core.catalog import shown
from topcoat.core.roles import Assignment, Assignments, PrincipalKind, Role
from topcoat.core.subscription_keys import KeySlot
from topcoat.store import instances, role_assignments
from topcoat.store import subscription_keys as key_store
from topcoat.store.engine import ReadConnection, Store, WriteConnection
from topcoat.store.subscription_keys import StoredKey, StoredKeys

RULES_KEPT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What opens an instance, and who is who in it."""

    is_enabled: bool
    digests: tuple[bytes, ...]
    assignments: Assignments


class KeyOrigin(enum.Enum):
    OWN = "own"
    WELL_KNOWN = "wellKnown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class KeyState:
    slot: KeySlot
    origin: KeyOrigin
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApiAccess:
    is_enabled: bool
    keys: tuple[KeyState, ...]


class Permissions:
    """Keeps the rules of instances for a few seconds.

    In emulator mode the well-known keys and tokens hold, each until the instance has a key of its own in its place,
    and an assignment of its own for its principal.
    """

    def __init__(self, store: Store, clock: Clock, *, is_emulator: bool) -> None:
        self._store = store
        self._clock = clock
        self._well_known_keys: Mapping[KeySlot, bytes] = (
            dict(zip(KeySlot, map(subscription_keys.digest_of, subscription_keys.WELL_KNOWN), strict=True))
            if is_emulator
            else {}
        )
        self._defaults: Assignments = roles.WELL_KNOWN if is_emulator else {}
        self._rules: dict[str, tuple[float, Rules]] = {}
        self._changes = 0
        self.default_rules = Rules(
            is_enabled=True, digests=tuple(self._well_known_keys.values()), assignments=self._defaults
        )

    async def find_rules(self, guid: str) -> Rules:
        """As they were at most a few seconds ago; for an unknown instance the defaults."""
        kept = self._rules.get(guid)
        now = self._clock.monotonic_seconds()
        if kept is not None:
            if now < kept[0]:
                return kept[1]
            self._rules[guid] = (now + RULES_KEPT_SECONDS, kept[1])  # for whoever comes while they are read again
        changes, rules = self._changes, None
        try:
            rules = await self._read_rules(guid)
        finally:
            if rules is None:
                self._rules.pop(guid, None)
            elif changes == self._changes:
                self._rules[guid] = (now + RULES_KEPT_SECONDS, rules)
        return rules or self.default_rules

    def forget(self, guid: str) -> None:
        """Look anew at the rules of an instance, for they were changed here."""
        self._changes += 1
        self._rules.pop(guid, None)

    async def list_rules(self) -> dict[str, Rules]:
        """Those of every instance, by its GUID."""
        async with self._store.reading() as connection:
            keys = await key_store.list_keys(connection)
            assignments = await role_assignments.list_all_assignments(connection)
        return {stored.guid: self._settled(stored, assignments.get(stored.instance_id, {})) for stored in keys}

    async def list_assignments(self, guid: str) -> list[Assignment]:
        """Raise `InstanceNotFound`."""
        async with self._store.reading() as connection:
            stored = await key_store.find_keys(connection, guid)
            if stored is None:
                raise errors.InstanceNotFound(instance=shown(guid))
            return _listed(
                {**self._defaults, **await role_assignments.list_assignments(connection, stored.instance_id)}
            )

    async def assign(
        self, guid: str, principal_id: str, given: tuple[Role, ...], kind: PrincipalKind | None = None
    ) -> list[Assignment]:
        """Give a principal these roles and no others; return all assignments. Raise `LastOwner`.

        Without a kind the principal is what it is known as, or else a user.
        """
        async with self._store.writing() as connection:
            instance_id, before = await self._locked(connection, guid)
            known = before.get(principal_id)
            assignment = Assignment(principal_id, kind or (known.kind if known else PrincipalKind.USER), given)
            after = {**before, principal_id: assignment}
            roles.check_change(before, after, principal_id)
            await role_assignments.save_assignment(connection, instance_id, assignment)
        self.forget(guid)
        return _listed(after)

    async def withdraw(self, guid: str, principal_id: str) -> None:
        """Take away whatever role a principal has; raise `AssignmentNotFound` or `LastOwner`."""
        async with self._store.writing() as connection:
            instance_id, before = await self._locked(connection, guid)
            held = before.get(principal_id)
            if held is None or not held.roles:
                raise errors.AssignmentNotFound(principal=shown(principal_id))
            none = Assignment(principal_id, held.kind, ())
            roles.check_change(before, {**before, principal_id: none}, principal_id)
            if principal_id in self._defaults:
                await role_assignments.save_assignment(connection, instance_id, none)
            else:
                await role_assignments.delete_assignment(connection, instance_id, principal_id)
        self.forget(guid)

    async def get_api_access(self, guid: str) -> ApiAccess:
        """Raise `InstanceNotFound`."""
        async with self._store.glancing() as connection:
            return self._api_access(await _get_keys(connection, guid))

    async def set_enabled(self, guid: str, *, is_enabled: bool) -> ApiAccess:
        """Open the instance to callers with keys, or close it; the keys stay what they are."""
        async with self._store.writing() as connection:
            stored = await _get_keys(connection, guid)
            await key_store.save_enabled(connection, stored.instance_id, is_enabled=is_enabled)
            changed = await _get_keys(connection, guid)
        self.forget(guid)
        return self._api_access(changed)

    async def regenerate_key(self, guid: str, slot: KeySlot) -> tuple[str, datetime]:
        """Make a new key in place of the one there was, and return it: nobody can be told again."""
        key, now = subscription_keys.make_key(), self._clock.system_now()
        async with self._store.writing() as connection:
            stored = await _get_keys(connection, guid)
            await key_store.save_key(connection, stored.instance_id, slot, subscription_keys.digest_of(key), now)
        self.forget(guid)
        return key, now

    async def _read_rules(self, guid: str) -> Rules | None:
        async with self._store.reading() as connection:
            stored = await key_store.find_keys(connection, guid)
            if stored is None:
                return None
            return self._settled(stored, await role_assignments.list_assignments(connection, stored.instance_id))

    def _settled(self, stored: StoredKeys, assigned: Mapping[str, Assignment]) -> Rules:
        own = {slot: key.digest for slot, key in stored.keys.items()}
        digests = tuple({**self._well_known_keys, **own}.values())
        return Rules(stored.is_enabled, digests, {**self._defaults, **assigned})

    def _api_access(self, stored: StoredKeys) -> ApiAccess:
        return ApiAccess(stored.is_enabled, tuple(self._key_state(slot, stored.keys.get(slot)) for slot in KeySlot))

    def _key_state(self, slot: KeySlot, own: StoredKey | None) -> KeyState:
        if own is not None:
            return KeyState(slot, KeyOrigin.OWN, own.changed_at)
        return KeyState(slot, KeyOrigin.WELL_KNOWN if slot in self._well_known_keys else KeyOrigin.NONE, None)

    async def _locked(self, connection: WriteConnection, guid: str) -> tuple[int, dict[str, Assignment]]:
        """The instance's number and who has which roles in it, from now on until the end of the transaction."""
        stand = await instances.lock_stand(connection, guid)
        if stand is None:
            raise errors.InstanceNotFound(instance=shown(guid))
        assigned = await role_assignments.list_assignments(connection, stand.instance_id)
        return stand.instance_id, {**self._defaults, **assigned}


async def _get_keys(connection: ReadConnection, guid: str) -> StoredKeys:
    stored = await key_store.find_keys(connection, guid)
    if stored is None:
        raise errors.InstanceNotFound(instance=shown(guid))
    return stored


def _listed(assignments: Mapping[str, Assignment]) -> list[Assignment]:
    """Those that give a role, in the order of their principals."""
    return [assignment for _, assignment in sorted(assignments.items()) if assignment.roles]
