"""Everything that can be wrong, by who or what is wrong; surfaces choose the HTTP status.

TopcoatError
├── NotAuthenticated, NotPermitted
├── NotFound
│   ├── InstanceNotFound, TableNotFound, RecordNotFound, ChangeNotFound, InstantNotKept, AddressNotFound
├── BadInput
│   ├── AddressTooLong, BodyUnreadable, BodyTooLarge, ContentTypeNotSupported, MediaTypeNotAcceptable
│   ├── MethodNotSupported
│   ├── UnknownColumn, WrongType, MissingColumn, ReadOnlyColumn, EmptyChange
│   ├── ColumnNotSearchable, ColumnTwice, ValueTooLong
│   ├── ValidUntilUnreadable, ValidUntilOutOfRange, UnknownCustomer, TableNotWritable
│   ├── ActivityNotConfigured, TableNotFoundForWriting
│   ├── QuerySyntaxError, OptionInvalid, UnknownSegment, ContinuationInvalid
│   ├── ClockRequestInvalid, ParameterInvalid
│   └── EnvironmentInvalid, SourceInvalid
├── Conflict
│   ├── ActivityExists, RefreshRunning, NothingToUndo
├── NotSupported
└── Unavailable
    ├── Overloaded, StoreUnreachable, QueryTooSlow, SchemaOutdated

An error's docstring is its message; the names in braces are its parts.
"""

from typing import Any, ClassVar


class TopcoatError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "Error"

    def __init__(self, **parts: Any) -> None:
        self.parts = parts
        super().__init__((type(self).__doc__ or "").format(**parts))

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = cls.__name__

    @property
    def message(self) -> str:
        return str(self)

    @property
    def target(self) -> str | None:
        """The column, option or parameter the error is about, where there is one."""
        found = self.parts.get("column") or self.parts.get("option") or self.parts.get("parameter")
        return None if found is None else str(found)


class NotAuthenticated(TopcoatError):
    """{reason} Send `Authorization: Bearer <token>`{key_hint}."""


class NotPermitted(TopcoatError):
    """The role {role} may not do this; it takes {needed} or above."""


class NotFound(TopcoatError):
    """It does not exist."""


class InstanceNotFound(NotFound):
    """Instance '{instance}' does not exist."""


class TableNotFound(NotFound):
    """Table '{table}' does not exist in this instance{suggestion}."""


class RecordNotFound(NotFound):
    """{table} has no record with the id '{record_id}'."""


class ChangeNotFound(NotFound):
    """Change {sequence} does not exist or no longer counts."""


class InstantNotKept(NotFound):
    """There is no answer as of {as_of}: {reason}."""

    @property
    def target(self) -> str:
        return "asOf"


class AddressNotFound(NotFound):
    """There is nothing at {method} {path}."""


class BadInput(TopcoatError):
    """The request is not valid."""


class AddressTooLong(BadInput):
    """The address is longer than the limit of {limit_bytes} bytes."""


class BodyUnreadable(BadInput):
    """The body is {found}; expected one JSON object{hint}."""


class BodyTooLarge(BadInput):
    """The body is larger than the limit of {limit_bytes} bytes."""


class ContentTypeNotSupported(BadInput):
    """Bodies of type '{found}' are not read; expected application/json."""


class MediaTypeNotAcceptable(BadInput):
    """Answers are application/json only, which the Accept header '{accept}' rules out."""


class MethodNotSupported(BadInput):
    """{method} is not supported here; the address answers {allowed}."""


class UnknownColumn(BadInput):
    """Table {table} has no column '{column}'{suggestion}."""


class WrongType(BadInput):
    """Column {column} of table {table} got {found}; expected {expected}."""


class MissingColumn(BadInput):
    """Column {column} of table {table} is mandatory and missing or null."""


class ReadOnlyColumn(BadInput):
    """Column {column} of table {table} is a key and cannot be changed."""


class EmptyChange(BadInput):
    """A change must name at least one column of table {table}."""


class ColumnNotSearchable(BadInput):
    """Column {column} of table {table} is of type {type} and cannot be searchable; only string columns can."""


class ColumnTwice(BadInput):
    """Column {column} of table {table} is configured twice; expected once."""


class ValueTooLong(BadInput):
    """A value is too long for the index {index}; shorten it, or make its column neither filterable nor sortable."""


class ValidUntilUnreadable(BadInput):
    """validUntil '{value}' is not an RFC 3339 date-time such as 2026-12-24T18:00:00Z."""

    @property
    def target(self) -> str:
        return "validUntil"


class ValidUntilOutOfRange(BadInput):
    """validUntil {value} is out of range: it must be after {now} and at most 30 days ahead ({latest})."""

    @property
    def target(self) -> str:
        return "validUntil"


class UnknownCustomer(BadInput):
    """CustomerId '{customer_id}' names no unified profile."""

    @property
    def target(self) -> str:
        return "CustomerId"


class TableNotWritable(BadInput):
    """{reason}"""


class TableNotFoundForWriting(BadInput):
    """Table '{table}' does not exist in this instance{suggestion}."""


class ActivityNotConfigured(BadInput):
    """Table {table} has no activity configuration, so its records cannot become activities."""


class QuerySyntaxError(BadInput):
    """In {option}, at position {position}: found {found}, expected {expected}."""


class OptionInvalid(BadInput):
    """{option} {reason}."""


class UnknownSegment(BadInput):
    """There is no segment '{segment}'{suggestion}."""


class ContinuationInvalid(BadInput):
    """$skiptoken is not usable: {reason}."""

    @property
    def target(self) -> str:
        return "$skiptoken"


class ParameterInvalid(BadInput):
    """{parameter} is {found}; expected {expected}."""


class ClockRequestInvalid(BadInput):
    """{reason}"""


class EnvironmentInvalid(BadInput):
    """{file}, line {line}, {path}: {reason}."""


class SourceInvalid(BadInput):
    """{file}, line {line}: {reason}."""


class Conflict(TopcoatError):
    """It conflicts with what is stored."""


class ActivityExists(Conflict):
    """Activity '{activity_id}' exists already; activities never change."""


class RefreshRunning(Conflict):
    """A refresh of this instance is running already; it can run once at a time."""


class NothingToUndo(Conflict):
    """There is no earlier generation to go back to."""


class NotSupported(TopcoatError):
    """{what} is not supported{hint}."""


class Unavailable(TopcoatError):
    """The service cannot answer right now."""

    retry_after_seconds: ClassVar[int] = 1


class Overloaded(Unavailable):
    """Too many writes are waiting; nothing was stored. Try again."""


class StoreUnreachable(Unavailable):
    """The database cannot be reached or did not answer in time: {reason}."""


class QueryTooSlow(Unavailable):
    """The query was stopped after {seconds} seconds; narrow it, or put its columns into the search and filter index."""


class SchemaOutdated(Unavailable):
    """The database schema is {found}, this version needs {needed}; run `topcoat migrate`."""
