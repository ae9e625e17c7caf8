"""What people, groups and applications are in an instance."""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from topcoat.core import errors

ASSIGNMENTS_MAX: Final = 1000
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Role(enum.IntEnum):
    """Each may what those below it may."""

    VIEWER = 1
    CONTRIBUTOR = 2
    ADMINISTRATOR = 3
    OWNER = 4


class PrincipalKind(enum.Enum):
    USER = "user"
    GROUP = "group"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Assignment:
    """The roles of a principal in one instance; without any, what it has by default is taken from it."""

    principal_id: str
    kind: PrincipalKind
    roles: tuple[Role, ...]
    role: Role | None = field(init=False, compare=False, repr=False)
    """The highest of them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", max(self.roles, default=None))


Assignments = Mapping[str, Assignment]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token speaks for: `ids` are the caller's own, `role` is what the token itself gives in every instance."""

    name: str
    kind: PrincipalKind
    ids: tuple[str, ...]
    groups: tuple[str, ...] = ()
    role: Role | None = None


TOKENS: Final[Mapping[str, Role]] = {
    "topcoat-viewer": Role.VIEWER,
    "topcoat-contributor": Role.CONTRIBUTOR,
    "topcoat-administrator": Role.ADMINISTRATOR,
    "topcoat-owner": Role.OWNER,
}
# What an application role of an issuer gives in every instance.
APP_ROLES: Final = {f"Topcoat.{role.name.capitalize()}": role for role in Role}
WELL_KNOWN: Final[Assignments] = {
    token: Assignment(token, PrincipalKind.APP, (role,)) for token, role in TOKENS.items()
}


def principal_id_of(text: str) -> str:
    """GUIDs are told apart by their digits, all other ids letter by letter."""
    return text.lower() if _GUID.fullmatch(text) else text


def role_of(identity: Identity, assignments: Assignments) -> Role | None:
    """The highest of what the token gives, what the caller was assigned, and what the caller's groups were."""
    highest = identity.role
    for is_group, principal_ids in ((False, identity.ids), (True, identity.groups)):
        for principal_id in principal_ids:
            assignment = assignments.get(principal_id)
            if assignment is None or (assignment.kind is PrincipalKind.GROUP) is not is_group:
                continue
            if assignment.role is not None and (highest is None or assignment.role > highest):
                highest = assignment.role
    return highest


def check_change(before: Assignments, after: Assignments, principal_id: str) -> None:
    """Raise `LastOwner` where no owner would be left, `ParameterInvalid` where there would be too many assignments."""
    if _has_owner(before) and not _has_owner(after):
        raise errors.LastOwner(principal=principal_id)
    if len(after) > max(len(before), ASSIGNMENTS_MAX):
        raise errors.ParameterInvalid(
            parameter="principalId",
            found=f"one more than the {ASSIGNMENTS_MAX} principals that can have a role",
            expected="fewer principals; assign roles to groups",
        )


def _has_owner(assignments: Assignments) -> bool:
    return any(assignment.role is Role.OWNER for assignment in assignments.values())
