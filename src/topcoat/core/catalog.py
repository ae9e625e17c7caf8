"""Tables and their typed columns, and the check of a record against its table.

A document is a record as stored: column name -> JSON value in canonical form, nulls left out where the
column is simply empty. Canonical form: decimals are floats, dates `YYYY-MM-DD`, date-times UTC with `Z` and
either no fraction or six digits.
"""

import difflib
import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, assert_never

from topcoat.core import canonical, errors

Document = dict[str, Any]

DECIMAL_INTEGER_MAX = 2**53
ID_LENGTH_MAX = 100
SHOWN_LENGTH_MAX = 60


class ColumnType(enum.Enum):
    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_TIME = "date-time"


class TableKind(enum.Enum):
    CUSTOMER = "customer"
    UNIFIED_ACTIVITY = "unified_activity"
    CUSTOMER_MEASURE = "customer_measure"
    SOURCE = "source"
    CUSTOMER_ROW = "customer_row"


class Contents(enum.Enum):
    """What the records of a source table are."""

    INGESTED = "ingested"
    CORRUPT = "corrupt"
    ENRICHMENT = "enrichment"
    PREDICTION = "prediction"


OUTPUTS = (Contents.ENRICHMENT, Contents.PREDICTION)


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: ColumnType = ColumnType.STRING
    is_key: bool = False
    is_mandatory: bool = False


@dataclass(frozen=True, slots=True)
class ActivityConfiguration:
    """How records of a source table become activities (S11); the parts name columns of that table."""

    name: str
    type: str
    timestamp: str
    customer_column: str
    customer_table: str
    event: str | None = None
    title: str | None = None
    detail: str | None = None
    url: str | None = None
    is_shown: bool = True
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Table:
    """`name` is qualified: `PoS_posPurchases`; `primary_key` names the column that identifies a record.

    `is_kept` says of a source table whether the snapshot holds its records, and `contents` what they are; `maker` is
    what computed an enrichment or a prediction.
    """

    name: str
    kind: TableKind
    columns: tuple[Column, ...]
    primary_key: str
    data_source: str | None = None
    activity: ActivityConfiguration | None = None
    is_kept: bool = False
    contents: Contents = Contents.INGESTED
    maker: str | None = None
    columns_by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)
    mandatory_names: Sequence[str] = field(init=False, repr=False, compare=False)
    empty_record: Document = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "empty_record", dict.fromkeys(column.name for column in self.columns))
        object.__setattr__(self, "columns_by_name", {column.name: column for column in self.columns})
        object.__setattr__(self, "mandatory_names", [column.name for column in self.columns if column.is_mandatory])

    @property
    def plain_name(self) -> str:
        """The name within its data source."""
        return self.name if self.data_source is None else self.name.removeprefix(f"{self.data_source}_")

    def get_column(self, name: str) -> Column:
        """Raise `UnknownColumn`, which suggests the column with the nearest name."""
        column = self.columns_by_name.get(name)
        if column is None:
            raise errors.UnknownColumn(
                table=self.name, column=shown(name), suggestion=suggestion(name, self.columns_by_name)
            )
        return column

    def find_column_any_case(self, name: str) -> Column | None:
        """The column of that name, else the only one whose name differs in case alone."""
        exact = self.columns_by_name.get(name)
        if exact is not None:
            return exact
        matches = [column for column in self.columns if column.name.casefold() == name.casefold()]
        return matches[0] if len(matches) == 1 else None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The tables of one instance at one generation, in the order in which they are listed.

    `deleted_tables` went with their data source, while the snapshot still holds activities that came from them.
    `defined_measures` are columns of Customer_Measure, and `defined_segments` segments, that were computed from their
    definitions; the others came with files.
    """

    tables: tuple[Table, ...]
    deleted_tables: tuple[str, ...] = ()
    defined_measures: tuple[str, ...] = ()
    defined_segments: tuple[str, ...] = ()
    tables_by_name: Mapping[str, Table] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables_by_name", {table.name: table for table in self.tables})

    def get_table(self, name: str) -> Table:
        table = self.tables_by_name.get(name)
        if table is None:
            raise errors.TableNotFound(table=shown(name), suggestion=suggestion(name, self.tables_by_name))
        return table

    def hidden_activity_tables(self) -> tuple[str, ...]:
        """Source tables whose activities no read returns (S16)."""
        hidden = (t.name for t in self.tables if t.activity is not None and not t.activity.is_shown)
        return (*hidden, *self.deleted_tables)

    def output_tables(self) -> tuple[Table, ...]:
        """Enrichments and predictions."""
        return tuple(table for table in self.tables if table.contents in OUTPUTS)

    def without_data_source(self, name: str) -> "Catalog":
        """The catalog when a data source is deleted with its tables and their activities."""
        kept = tuple(table for table in self.tables if table.data_source != name)
        gone = (table.name for table in self.tables if table.data_source == name)
        return replace(self, tables=kept, deleted_tables=(*self.deleted_tables, *gone))

    def following(self, earlier: "Catalog") -> "Catalog":
        """A refresh brings back what was deleted only where it has the table again."""
        deleted = tuple(name for name in earlier.deleted_tables if name not in self.tables_by_name)
        return replace(self, deleted_tables=deleted)


def alternate_key(table: str, primary_key: str) -> str:
    """The column of profiles that holds the key of their record of a source table."""
    return f"{table}_{primary_key}"


CUSTOMER = "Customer"
UNIFIED_ACTIVITY = "UnifiedActivity"
CUSTOMER_MEASURE = "Customer_Measure"
CUSTOMER_ID = "CustomerId"
PREVIOUS_CUSTOMER_ID = "PreviousCustomerId"

_MANDATORY_IN_ACTIVITIES = ("CustomerId", "ActivityTime", "ActivityType")

UNIFIED_ACTIVITY_TABLE = Table(
    name=UNIFIED_ACTIVITY,
    kind=TableKind.UNIFIED_ACTIVITY,
    primary_key="ActivityId",
    columns=tuple(
        Column(
            name,
            ColumnType.DATE_TIME if name == "ActivityTime" else ColumnType.STRING,
            is_key=name == "ActivityId",
            is_mandatory=name in _MANDATORY_IN_ACTIVITIES,
        )
        for name in (
            "ActivityId",
            "CustomerId",
            "ActivityTime",
            "ActivityType",
            "ActivityTypeDisplay",
            "ActivityName",
            "Title",
            "Description",
            "ExternalUrl",
            "EntityName",
            "ActualActivityId",
            "SemanticData",
        )
    ),
)


def validate_record(table: Table, record: Mapping[str, Any]) -> Document:
    """Check a whole record and return its document; mandatory columns must be there and not null."""
    for name in table.mandatory_names:
        if record.get(name) is None:
            raise errors.MissingColumn(table=table.name, column=name)
    return validate_columns(table, record)


def validate_columns(table: Table, values: Mapping[str, Any]) -> Document:
    """Check some columns of a record; explicit nulls stay, as values (S7)."""
    return {name: validate_value(table, table.get_column(name), value) for name, value in values.items()}


def validate_change(table: Table, values: Mapping[str, Any]) -> Document:
    """Check the columns of an override: at least one, none of them a key (S5)."""
    if not values:
        raise errors.EmptyChange(table=table.name)
    for name in values:
        if table.get_column(name).is_key:
            raise errors.ReadOnlyColumn(table=table.name, column=name)
    return validate_columns(table, values)


def validate_value(table: Table, column: Column, value: Any) -> Any:
    """Return the canonical form of a JSON value; raise `WrongType` naming column, value and expectation."""
    if value is None:
        return None
    try:
        return _canonical(column.type, value)
    except ValueError:
        raise errors.WrongType(
            table=table.name, column=column.name, found=described(value), expected=EXPECTATIONS[column.type]
        ) from None


def accepts(column: Column, value: Any) -> bool:
    """Whether a stored value is one of the column's type, which a refresh may have changed since; null always is.

    A decimal column takes the integers that a double holds exactly, with all below them.
    """
    if column.type is ColumnType.DECIMAL and type(value) is int:
        return abs(value) <= DECIMAL_INTEGER_MAX
    try:
        return value is None or bool(_canonical(column.type, value) == value)
    except ValueError:
        return False


def parse_text(table: Table, column: Column, text: str) -> Any:
    """Return the canonical form of a CSV field; an empty field is null."""
    if not text:
        return None
    try:
        return _from_text(column.type, text)
    except (ValueError, KeyError):
        raise errors.WrongType(
            table=table.name, column=column.name, found=described(text), expected=EXPECTATIONS[column.type]
        ) from None


EXPECTATIONS = {
    ColumnType.STRING: "a string without control characters U+0000 or unpaired surrogates",
    ColumnType.INTEGER: "an integer of at most 64 bits",
    ColumnType.DECIMAL: "a finite number",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.DATE: "a date such as 2026-12-24",
    ColumnType.DATE_TIME: "a date-time such as 2026-12-24T18:00:00Z",
}


def complete_record(table: Table, document: Document) -> Document:
    """Every column of the table, in catalog order, null where the document has none (S8)."""
    completed = table.empty_record | document
    if len(completed) == len(table.columns):
        return completed
    return {name: document.get(name) for name in table.empty_record}


# Narrower than `fromisoformat`, which takes any separator and week dates, and takes more with every Python version.
_INSTANT = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?"
    "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
)


def parse_instant(text: str, zone: Any = UTC) -> datetime:
    """Read an RFC 3339 date-time; a blank for `T` and no seconds are allowed; without an offset it is in `zone`."""
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    instant = datetime.fromisoformat(text.upper())
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zone)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(text) from None


def format_instant(instant: datetime) -> str:
    """Canonical text of an aware UTC instant."""
    return instant.replace(tzinfo=None).isoformat() + "Z"


_NOT_IN_IDS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def check_id(text: str) -> bool:
    """Whether a text may identify a profile (S18): no control characters; an unpaired surrogate cannot be stored."""
    return 0 < len(text) <= ID_LENGTH_MAX and not _NOT_IN_IDS.search(text)


def suggestion(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'X'?)`, or nothing when no known name is near."""
    names = list(known)
    for candidate in names:
        if candidate.casefold() == name.casefold():
            return f" (did you mean '{candidate}'?)"
    near = difflib.get_close_matches(name[:ID_LENGTH_MAX], names, n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def shown(text: str) -> str:
    """A caller's text made safe and short enough for an error message."""
    printable = "".join(c if c.isprintable() else "�" for c in text[: SHOWN_LENGTH_MAX + 1])
    return printable if len(printable) <= SHOWN_LENGTH_MAX else printable[:SHOWN_LENGTH_MAX] + "…"


def described(value: Any) -> str:
    """What a JSON value is, for error messages: `the string 'abc'`, `the number 2.5`, `an array`."""
    match value:
        case None:
            return "null"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int() | float():
            return _described_number(value)
        case str():
            return f"the string '{shown(value)}'"
        case list():
            return "an array"
        case _:
            return "an object"


def _described_number(number: float) -> str:
    """The digits of a huge integer could fill pages, and there can be more than Python prints."""
    if isinstance(number, int) and number.bit_length() > 64:
        return "an integer of more than 64 bits"
    return f"the number {number}"


def _canonical(type_: ColumnType, value: Any) -> Any:
    if type_ is ColumnType.STRING:  # most are; a match on an enumeration compares one after the other
        return canonical.checked_string(value)
    match type_:
        case ColumnType.INTEGER:
            return canonical.checked_integer(value)
        case ColumnType.DECIMAL:
            return canonical.checked_decimal(value)
        case ColumnType.BOOLEAN:
            if isinstance(value, bool):
                return value
            raise ValueError
        case ColumnType.DATE:
            return canonical.checked_date(canonical.checked_string(value))
        case ColumnType.DATE_TIME:
            return format_instant(parse_instant(canonical.checked_string(value)))
        case _:
            assert_never(type_)


_BOOLEAN_TEXTS = {"true": True, "false": False, "1": True, "0": False}


def _from_text(type_: ColumnType, text: str) -> Any:
    match type_:
        case ColumnType.INTEGER:
            return canonical.checked_integer(int(canonical.checked_digits(text)))
        case ColumnType.DECIMAL:
            return canonical.checked_decimal(float(canonical.checked_digits(text)))
        case ColumnType.BOOLEAN:
            return _BOOLEAN_TEXTS[text.lower()]
        case ColumnType.STRING | ColumnType.DATE | ColumnType.DATE_TIME:
            return _canonical(type_, text)
        case _:
            assert_never(type_)
