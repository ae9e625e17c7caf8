"""Accounts above accounts: which table says so, and by which two of its columns."""

from dataclasses import dataclass

from topcoat.core import definitions, errors
from topcoat.core.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Hierarchy:
    name: str
    table: str
    account_column: str
    parent_column: str
    display_name: str | None = None


def check_hierarchy(catalog: Catalog, hierarchy: Hierarchy) -> None:
    """Raise what is wrong with its name, its text, or the table and columns that it names."""
    definitions.check_name(hierarchy.name)
    if hierarchy.display_name is not None:
        definitions.check_text("displayName", hierarchy.display_name)
    table = definitions.get_table(catalog, hierarchy.table)
    table.get_column(hierarchy.account_column)
    table.get_column(hierarchy.parent_column)
    if hierarchy.parent_column == hierarchy.account_column:
        raise errors.ParameterInvalid(
            parameter="dependency.parentAccountIdAttribute",
            found=f"'{hierarchy.parent_column}', the account itself",
            expected="another column, which names the account above",
        )
