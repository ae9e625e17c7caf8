"""Which roles principals were assigned in an instance."""

from typing import Any

from sqlalchemy import Row, text

from topcoat.core.roles import Assignment, PrincipalKind, Role
from topcoat.store import instances
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json


async def list_assignments(connection: ReadConnection, instance_id: int) -> dict[str, Assignment]:
    rows = await connection.fetch_all(text(f"{_LIST} WHERE instance_id = :instance_id"), {"instance_id": instance_id})
    return {row.principal_id: _assignment(row) for row in rows}


async def list_all_assignments(connection: ReadConnection) -> dict[int, dict[str, Assignment]]:
    """Those of every instance that has any."""
    found: dict[int, dict[str, Assignment]] = {}
    for row in await connection.fetch_all(text(_LIST)):
        found.setdefault(row.instance_id, {})[row.principal_id] = _assignment(row)
    return found


_LIST = "SELECT instance_id, principal_id, kind, CAST(roles AS TEXT) AS roles FROM role_assignment"


async def save_assignment(connection: WriteConnection, instance_id: int, assignment: Assignment) -> None:
    values = {
        "instance_id": instance_id,
        "principal_id": assignment.principal_id,
        "kind": assignment.kind.value,
        "roles": dump_json([role.name for role in assignment.roles]),
    }
    await connection.run(instances.json_parameter(_SAVE, connection, "roles"), values)


_SAVE = """
INSERT INTO role_assignment (instance_id, principal_id, kind, roles)
VALUES (:instance_id, :principal_id, :kind, :roles)
ON CONFLICT (instance_id, principal_id) DO UPDATE SET kind = excluded.kind, roles = excluded.roles
"""


async def delete_assignment(connection: WriteConnection, instance_id: int, principal_id: str) -> None:
    await connection.run(_DELETE, {"instance_id": instance_id, "principal_id": principal_id})


_DELETE = text("DELETE FROM role_assignment WHERE instance_id = :instance_id AND principal_id = :principal_id")


def _assignment(row: Row[Any]) -> Assignment:
    roles = tuple(Role[name] for name in load_json(row.roles))
    return Assignment(row.principal_id, PrincipalKind(row.kind), roles)
