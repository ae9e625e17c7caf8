"""What people define beside the data, by name: what names and texts of theirs have to be."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from topcoat.core import errors
from topcoat.core.catalog import Catalog, Table, described, shown, suggestion

TEXT_LENGTH_MAX: Final = 200
TEXT_EXPECTED: Final = f"a text of 1 to {TEXT_LENGTH_MAX} printable characters"
DESCRIPTION_LENGTH_MAX: Final = 1_000
NAME_LENGTH_MAX: Final = 100
PER_KIND_MAX: Final = 1_000
_NAME: Final = re.compile(f"[A-Za-z0-9_]{{1,{NAME_LENGTH_MAX}}}")
_LINE_BREAKS: Final = re.compile(r"[\r\n\t]")


@dataclass(frozen=True, slots=True)
class Authorship:
    """`version` counts the changes, from 1."""

    version: int
    created_by: str | None
    created_at: datetime
    updated_by: str | None
    updated_at: datetime


def is_text(text: str) -> bool:
    """Whether a text can be a name that people read."""
    return bool(text.strip()) and len(text) <= TEXT_LENGTH_MAX and text.isprintable()


def check_name(name: str) -> None:
    """Names are case sensitive; raise `ParameterInvalid`."""
    if not _NAME.fullmatch(name):
        raise errors.ParameterInvalid(
            parameter="name",
            found=described(name),
            expected=f"1 to {NAME_LENGTH_MAX} letters, digits and underscores",
        )


def check_text(parameter: str, text: str) -> None:
    if not is_text(text):
        raise errors.ParameterInvalid(parameter=parameter, found=described(text), expected=TEXT_EXPECTED)


def check_description(text: str) -> None:
    """Like any text, but in lines, and it may be empty."""
    is_printable = _LINE_BREAKS.sub("", text).isprintable()
    if not is_printable or len(text) > DESCRIPTION_LENGTH_MAX:
        expected = f"a text of at most {DESCRIPTION_LENGTH_MAX} printable characters"
        raise errors.ParameterInvalid(parameter="description", found=described(text), expected=expected)


def get_table(catalog: Catalog, name: str) -> Table:
    """The table that a definition names; raise `TableNotFoundForWriting`."""
    table = catalog.tables_by_name.get(name)
    if table is None:
        raise errors.TableNotFoundForWriting(table=shown(name), suggestion=suggestion(name, catalog.tables_by_name))
    return table
