"""What a caller is in an instance."""

import pytest

from topcoat.core import errors, roles
from topcoat.core.roles import Assignment, Identity, PrincipalKind, Role

ADA = Identity("ada", PrincipalKind.USER, ("ada",), groups=("clerks", "owls"))


def assigned(principal_id: str, *given: Role, kind: PrincipalKind = PrincipalKind.USER) -> dict[str, Assignment]:
    return {principal_id: Assignment(principal_id, kind, given)}


@pytest.mark.parametrize(
    ("assignments", "role"),
    [
        ({}, None),
        (assigned("bob", Role.OWNER), None),
        (assigned("ada", Role.CONTRIBUTOR), Role.CONTRIBUTOR),
        (assigned("ada", Role.VIEWER, Role.ADMINISTRATOR, Role.CONTRIBUTOR), Role.ADMINISTRATOR),
        (assigned("ada"), None),
        (assigned("clerks", Role.VIEWER, kind=PrincipalKind.GROUP), Role.VIEWER),
        (
            assigned("clerks", Role.CONTRIBUTOR, kind=PrincipalKind.GROUP)
            | assigned("owls", Role.VIEWER, kind=PrincipalKind.GROUP)
            | assigned("ada", Role.VIEWER),
            Role.CONTRIBUTOR,
        ),
    ],
)
def test_a_role_is_the_highest_of_the_callers_own_and_of_its_groups(
    assignments: dict[str, Assignment], role: Role | None
) -> None:
    assert roles.role_of(ADA, assignments) is role


def test_a_group_that_is_called_like_a_caller_is_somebody_else() -> None:
    assert roles.role_of(ADA, assigned("ada", Role.OWNER, kind=PrincipalKind.GROUP)) is None
    assert roles.role_of(ADA, assigned("clerks", Role.OWNER, kind=PrincipalKind.USER)) is None
    assert roles.role_of(ADA, assigned("clerks", Role.OWNER, kind=PrincipalKind.APP)) is None


@pytest.mark.parametrize(
    ("assignments", "role"),
    [
        ({}, Role.CONTRIBUTOR),
        (assigned("ada", Role.VIEWER), Role.CONTRIBUTOR),
        (assigned("ada", Role.OWNER), Role.OWNER),
    ],
)
def test_a_role_that_the_token_gives_can_only_be_raised(assignments: dict[str, Assignment], role: Role) -> None:
    identity = Identity("ada", PrincipalKind.USER, ("ada",), role=Role.CONTRIBUTOR)

    assert roles.role_of(identity, assignments) is role


def test_the_last_owner_stays() -> None:
    before = assigned("ada", Role.OWNER) | assigned("bob", Role.ADMINISTRATOR)

    with pytest.raises(errors.LastOwner, match="'ada' is the last owner"):
        roles.check_change(before, before | assigned("ada", Role.ADMINISTRATOR), "ada")

    roles.check_change(before, before | assigned("bob", Role.OWNER), "bob")
    both = before | assigned("bob", Role.OWNER)
    roles.check_change(both, both | assigned("ada"), "ada")
    roles.check_change({}, assigned("ada", Role.VIEWER), "ada")


def test_a_group_can_own() -> None:
    owners = assigned("owls", Role.OWNER, kind=PrincipalKind.GROUP)

    roles.check_change(owners | assigned("ada", Role.OWNER), owners, "ada")


def test_assignments_are_bounded() -> None:
    full = {str(n): Assignment(str(n), PrincipalKind.USER, (Role.VIEWER,)) for n in range(roles.ASSIGNMENTS_MAX)}

    roles.check_change(full, full | assigned("1", Role.OWNER), "1")
    with pytest.raises(errors.ParameterInvalid, match="one more than the 1000 principals"):
        roles.check_change(full, full | assigned("ada", Role.VIEWER), "ada")


@pytest.mark.parametrize(
    ("text", "principal_id"),
    [
        ("C0FFEE00-0000-4000-8000-00000000000A", "c0ffee00-0000-4000-8000-00000000000a"),
        ("C0FFEE00", "C0FFEE00"),
        ("Ada", "Ada"),
        ("", ""),
    ],
)
def test_guids_are_the_same_in_capitals(text: str, principal_id: str) -> None:
    assert roles.principal_id_of(text) == principal_id
