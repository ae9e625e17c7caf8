"""What columns of customers are, seen by their names; and by them, what somebody is called."""

import re
from typing import Final

from topcoat.core.catalog import CUSTOMER_ID, Column, ColumnType, Document, Table

SHOWN_LENGTH_MAX: Final = 120
_PARTS_OF_NAMES: Final = ("FirstName", "LastName")
_ROLES: Final = {
    "name": re.compile("(full|display|customer)_?name", re.IGNORECASE),
    "email": re.compile("e[-_]?mail(address)?", re.IGNORECASE),
    "phone": re.compile("(tele)?phone(number)?|mobile(phone)?", re.IGNORECASE),
    "address": re.compile(
        "(address|street|city|town|postal_?code|zip(_?code)?|state|province|country)(line)?_?[0-9]?", re.IGNORECASE
    ),
}
_CITY: Final = re.compile("city|town", re.IGNORECASE)


def role_of(column: Column) -> str | None:
    return next((role for role, names in _ROLES.items() if names.fullmatch(column.name)), None)


def title_of(table: Table, record: Document) -> str:
    """The name, else the parts of one, else the id."""
    named = [record[c.name] for c in table.columns if _ROLES["name"].fullmatch(c.name) and record[c.name]]
    parts = [record.get(name) for name in _PARTS_OF_NAMES]
    return str(named[0]) if named else " ".join(str(part) for part in parts if part) or str(record[CUSTOMER_ID])


def shortened(text: str) -> str:
    """For places where a hundred kilobytes would be in the way."""
    return text if len(text) <= SHOWN_LENGTH_MAX else f"{text[:SHOWN_LENGTH_MAX]}…"


def named_columns(table: Table) -> list[Column]:
    """Those in which people's names are; else the id."""
    found = [c for c in table.columns if role_of(c) == "name" or c.name in _PARTS_OF_NAMES]
    texts = [column for column in found if column.type is ColumnType.STRING]
    return texts or [table.get_column(CUSTOMER_ID)]


def shown_columns(table: Table) -> list[Column]:
    return [column for column in (find_email(table), find_city(table)) if column is not None]


def find_email(table: Table) -> Column | None:
    return next((column for column in table.columns if role_of(column) == "email"), None)


def find_city(table: Table) -> Column | None:
    return next((column for column in table.columns if _CITY.fullmatch(column.name)), None)
