"""Keys and assignments as they are stored."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import INSTANCE, NOW, Service, open_service
from topcoat.core import errors, subscription_keys
from topcoat.core.roles import TOKENS, Assignment, PrincipalKind, Role
from topcoat.core.subscription_keys import KeySlot
from topcoat.flows.permissions import KeyOrigin, Permissions
from topcoat.store import role_assignments
from topcoat.store import subscription_keys as key_store

ADA = Assignment("ada", PrincipalKind.USER, (Role.OWNER,))
BOB = Assignment("bob", PrincipalKind.GROUP, (Role.VIEWER, Role.OWNER))


def real(service: Service) -> Permissions:
    """As they are outside emulator mode."""
    return Permissions(service.store, service.clock, is_emulator=False)


async def assign(permissions: Permissions, assignment: Assignment) -> list[Assignment]:
    return await permissions.assign(INSTANCE, assignment.principal_id, assignment.roles, assignment.kind)


async def stored_bytes(service: Service) -> str:
    async with service.store.glancing() as connection:
        rows: list[Any] = [*await connection.fetch_all(text("SELECT * FROM api_access"))]
        rows += await connection.fetch_all(text("SELECT * FROM instance"))
    return repr([tuple(row) for row in rows])


async def test_assignments_are_kept(service: Service) -> None:
    permissions = real(service)

    listed = [await assign(permissions, assignment) for assignment in (BOB, ADA)]
    await permissions.assign(INSTANCE, "bob", (Role.VIEWER,))

    assert listed == [[BOB], [ADA, BOB]]
    assert await permissions.list_assignments(INSTANCE) == [
        ADA,
        Assignment("bob", PrincipalKind.GROUP, (Role.VIEWER,)),
    ]
    await permissions.withdraw(INSTANCE, "bob")
    assert await real(service).list_assignments(INSTANCE) == [ADA]


async def test_only_one_of_two_owners_can_leave_at_a_time(service: Service) -> None:
    permissions = real(service)
    await assign(permissions, ADA)
    await assign(permissions, BOB)

    leaving = (permissions.withdraw(INSTANCE, owner) for owner in ("ada", "bob"))
    left = await asyncio.gather(*leaving, return_exceptions=True)

    assert sorted(map(type, left), key=str) == sorted([type(None), errors.LastOwner], key=str)
    assert len(await permissions.list_assignments(INSTANCE)) == 1


async def test_a_regenerated_key_replaces_one_and_leaves_the_other(service: Service) -> None:
    permissions = service.flows.permissions

    key, _ = await permissions.regenerate_key(INSTANCE, KeySlot.SECONDARY)
    other, _ = await permissions.regenerate_key(INSTANCE, KeySlot.PRIMARY)
    newer, _ = await permissions.regenerate_key(INSTANCE, KeySlot.PRIMARY)

    rules = await permissions.find_rules(INSTANCE)
    known = (*subscription_keys.WELL_KNOWN, other, key, newer)
    assert [subscription_keys.is_one_of(k, rules.digests) for k in known] == [False, False, False, True, True]
    assert [state.origin for state in (await permissions.get_api_access(INSTANCE)).keys] == [KeyOrigin.OWN] * 2
    assert (await permissions.list_rules())[INSTANCE] == rules


async def test_keys_are_stored_by_their_digests_alone(service: Service) -> None:
    key, _ = await service.flows.permissions.regenerate_key(INSTANCE, KeySlot.PRIMARY)

    stored = await stored_bytes(service)

    assert key not in stored
    assert repr(subscription_keys.digest_of(key))[1:] in stored


@pytest.fixture
async def embedded(sqlite_url: str) -> Any:
    async with open_service(sqlite_url) as opened:
        yield opened


async def test_outside_emulator_mode_nothing_is_well_known(embedded: Service) -> None:
    permissions = real(embedded)
    await embedded.flows.permissions.regenerate_key(INSTANCE, KeySlot.PRIMARY)

    rules = await permissions.find_rules(INSTANCE)

    assert len(rules.digests) == 1
    assert not any(subscription_keys.is_one_of(key, rules.digests) for key in subscription_keys.WELL_KNOWN)
    assert rules.assignments == {}
    assert await permissions.find_rules("nope") == permissions.default_rules
    assert permissions.default_rules.digests == ()
    assert [key.origin for key in (await permissions.get_api_access(INSTANCE)).keys] == [KeyOrigin.OWN, KeyOrigin.NONE]


async def test_others_learn_of_a_change_within_seconds(embedded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """As two workers would be."""
    here, there = real(embedded), real(embedded)
    before = await there.find_rules(INSTANCE)
    await here.set_enabled(INSTANCE, is_enabled=False)
    kept = await there.find_rules(INSTANCE)
    later = embedded.clock.monotonic_seconds() + 5
    monkeypatch.setattr(embedded.clock, "monotonic_seconds", lambda: later)

    assert kept == before
    assert not (await here.find_rules(INSTANCE)).is_enabled
    assert not (await there.find_rules(INSTANCE)).is_enabled


async def test_rules_that_were_changed_while_they_were_read_are_not_kept(
    embedded: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    permissions = real(embedded)
    list_assignments = role_assignments.list_assignments

    async def assign_meanwhile(connection: Any, instance_id: int) -> Any:
        found = await list_assignments(connection, instance_id)
        monkeypatch.undo()
        await assign(permissions, ADA)
        return found

    monkeypatch.setattr(role_assignments, "list_assignments", assign_meanwhile)
    read = await permissions.find_rules(INSTANCE)

    assert read.assignments == {}
    assert (await permissions.find_rules(INSTANCE)).assignments == {"ada": ADA}


async def test_rules_that_are_read_again_are_read_once(embedded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions = real(embedded)
    await permissions.find_rules(INSTANCE)
    seconds = embedded.clock.monotonic_seconds() + 5
    monkeypatch.setattr(embedded.clock, "monotonic_seconds", lambda: seconds)
    reads = []
    find_keys = key_store.find_keys

    async def watched(connection: Any, guid: str) -> Any:
        reads.append(guid)
        return await find_keys(connection, guid)

    monkeypatch.setattr(key_store, "find_keys", watched)
    await asyncio.gather(*(permissions.find_rules(INSTANCE) for _ in range(10)))

    assert reads == [INSTANCE]


async def test_rules_that_cannot_be_read_again_are_not_kept(embedded: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions = real(embedded)
    await permissions.find_rules(INSTANCE)
    seconds = embedded.clock.monotonic_seconds() + 5
    monkeypatch.setattr(embedded.clock, "monotonic_seconds", lambda: seconds)

    async def fail(*_: Any) -> Any:
        raise errors.StoreUnreachable(reason="it is down")

    with monkeypatch.context() as down:
        down.setattr(key_store, "find_keys", fail)
        for _ in range(2):
            with pytest.raises(errors.StoreUnreachable):
                await permissions.find_rules(INSTANCE)

    assert (await permissions.find_rules(INSTANCE)).is_enabled


async def test_the_emulators_own_principals_can_be_changed_and_put_back(embedded: Service) -> None:
    permissions = embedded.flows.permissions
    well_known = [a.principal_id for a in await permissions.list_assignments(INSTANCE)]

    await permissions.withdraw(INSTANCE, "topcoat-viewer")
    left = [a.principal_id for a in await permissions.list_assignments(INSTANCE)]
    with pytest.raises(errors.AssignmentNotFound):
        await permissions.withdraw(INSTANCE, "topcoat-viewer")
    with pytest.raises(errors.LastOwner):
        await permissions.withdraw(INSTANCE, "topcoat-owner")
    await assign(permissions, ADA)
    await permissions.withdraw(INSTANCE, "topcoat-owner")

    assert well_known == sorted(TOKENS)
    assert set(well_known) - set(left) == {"topcoat-viewer"}
    owners = [a.principal_id for a in await permissions.list_assignments(INSTANCE) if a.role is Role.OWNER]
    assert owners == ["ada"]


async def test_an_unknown_instance_has_neither_keys_nor_assignments(embedded: Service) -> None:
    permissions = embedded.flows.permissions
    calls = (
        permissions.list_assignments("nope"),
        permissions.assign("nope", "ada", (Role.VIEWER,)),
        permissions.withdraw("nope", "ada"),
        permissions.get_api_access("nope"),
        permissions.set_enabled("nope", is_enabled=False),
        permissions.regenerate_key("nope", KeySlot.PRIMARY),
    )

    for call in calls:
        with pytest.raises(errors.InstanceNotFound):
            await call


async def test_keys_of_the_environment_file_hold_until_they_are_regenerated_or_changed_there(
    embedded: Service,
) -> None:
    async def apply(*keys: str) -> None:
        async with embedded.store.writing() as connection:
            stored = await key_store.find_keys(connection, INSTANCE)
            assert stored is not None
            await key_store.apply_file_keys(connection, stored.instance_id, keys, NOW)

    async def opening() -> list[str]:
        digests = (await real(embedded).find_rules(INSTANCE)).digests
        return [key for key in ("one", "two", "three", regenerated) if subscription_keys.is_one_of(key, digests)]

    regenerated = ""
    await apply("one", "two")
    first = await opening()
    regenerated, _ = await real(embedded).regenerate_key(INSTANCE, KeySlot.PRIMARY)
    await apply("one", "two")
    second = await opening()
    await apply("three")
    third = await opening()
    await apply()

    assert (first, second, third) == (["one", "two"], ["two", regenerated], ["three"])
    assert await opening() == []
