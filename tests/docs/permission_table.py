"""The table of docs/permissions.md: `python -m tests.docs.permission_table --write` renews it."""

import re
import sys
from pathlib import Path

from topcoat.core.roles import Role
from topcoat.surfaces import permissions

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
SECTION = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- /table -->)", re.DOTALL)
HEAD = ["operation", "anybody", *(role.name.capitalize() for role in Role)]
_ROW = re.compile(r"^\| `([\w-]+)` \|((?: x?  ?\|)+)$", re.MULTILINE)


def renewed(page: str) -> str:
    return SECTION.sub(lambda _: _table(), page)


def shown_cells(page: str) -> dict[str, list[bool]]:
    """By operation: whether anybody, a Viewer, and so on, may call it."""
    return {name: ["x" in cell for cell in cells.split("|")[:-1]] for name, cells in _ROW.findall(page)}


def _table() -> str:
    rows = [HEAD, ["---"] * len(HEAD)]
    for area, operations in permissions.AREAS.items():
        rows.append([f"**{area}**", *[""] * len(Role), ""])
        rows += [[f"`{name}`", *_cells(role)] for name, role in operations.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(needed: Role | None) -> list[str]:
    may = [needed is permissions.ANYBODY, *(needed is permissions.ANYBODY or role >= needed for role in Role)]
    return ["x" if is_allowed else "" for is_allowed in may]


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.docs.permission_table --write")
    PAGE.write_text(renewed(PAGE.read_text()))
