"""docs/permissions.md shows what the code allows."""

from tests.docs import permission_table
from topcoat.core.roles import Role
from topcoat.surfaces import permissions

PAGE = permission_table.PAGE.read_text()


def test_the_page_shows_the_table_of_the_code() -> None:
    assert permission_table.renewed(PAGE) == PAGE, "renew it: python -m tests.docs.permission_table --write"


def test_every_cell_of_the_page_is_what_the_code_needs() -> None:
    needed = {name: role for area in permissions.AREAS.values() for name, role in area.items()}
    may = {name: [role is None, *(role is None or other >= role for other in Role)] for name, role in needed.items()}

    assert permission_table.shown_cells(PAGE) == may
