"""Rows as callers send them: in Dataverse's columns, checked, and turned into records and changes in ours."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from topcoat.core import catalog, errors, row_guids
from topcoat.core.catalog import CUSTOMER_ID, Document, described, shown
from topcoat.core.overlay import lifetime
from topcoat.surfaces.dataverse.conditions import get_column
from topcoat.surfaces.dataverse.names import LOOKUP, NAMESPACE, DataverseColumn, DataverseTable, Role
from topcoat.surfaces.dataverse.resource import read_guid

BIND: Final = "@odata.bind"
LIFETIME_MAX_SECONDS: Final = int(lifetime.LIFETIME_MAX.total_seconds())

_TYPE: Final = "@odata.type"
_PARTITIONS: Final = (Role.PARTITION, Role.LOOKUP_PARTITION)


@dataclass(frozen=True, slots=True)
class Incoming:
    """`values` are in our columns; `row_id` and `partitions`, where they are told, have to be those of the row.

    `bound` is the address of the profile that an activity is bound to.
    """

    values: Document
    row_id: uuid.UUID | None
    partitions: tuple[tuple[str, str], ...]
    bound: str | None
    valid_until: str | None


def read_change(table: DataverseTable, body: Document, now: datetime) -> Incoming:
    """Some columns of a profile; raise what is wrong with them, as a real-time write would."""
    incoming = _read(table, body, now)
    kept = {name: value for name, value in incoming.values.items() if value is not None or not _is_key(table, name)}
    with named_as(table):
        values = catalog.validate_change(table.source, kept)
    return Incoming(values, incoming.row_id, incoming.partitions, None, incoming.valid_until)


def read_activity(table: DataverseTable, body: Document, now: datetime) -> Incoming:
    """A whole activity, but for its customer where that is bound."""
    incoming = _read(table, body, now)
    values = {name: value for name, value in incoming.values.items() if value is not None}
    with named_as(table):
        values = catalog.validate_columns(table.source, values)
    return Incoming(
        _identified(table, values, incoming.row_id),
        incoming.row_id,
        incoming.partitions,
        incoming.bound,
        incoming.valid_until,
    )


@contextmanager
def named_as(table: DataverseTable) -> Iterator[None]:
    """Errors about columns of ours name Dataverse's."""
    try:
        yield
    except (errors.WrongType, errors.MissingColumn, errors.ReadOnlyColumn, errors.EmptyChange) as error:
        names = {column.source: column.name for column in table.columns if column.role is Role.VALUE}
        ours = error.parts.get("column")
        raise type(error)(**error.parts | {"table": table.logical, "column": names.get(ours, ours)}) from None


def _read(table: DataverseTable, body: Document, now: datetime) -> Incoming:
    """Nulls in columns that cannot be written pass: some clients send whatever columns there are."""
    values: Document = {}
    row_id: uuid.UUID | None = None
    partitions: list[tuple[str, str]] = []
    bound: str | None = None
    valid_until: str | None = None
    for name, value in _members(table, body):
        is_bind = name == LOOKUP + BIND and not table.is_profiles
        column = get_column(table, LOOKUP if is_bind else name)
        if column.role is Role.VALUE:
            values[str(column.source)] = value
        elif value is None:
            continue
        elif is_bind:
            bound = _text(table, name, value)
        elif column.role is Role.ROW_ID:
            row_id = _guid(table, name, value)
        elif column.role is Role.TTL:
            valid_until = _valid_until(table, value, now)
        elif column.role in _PARTITIONS:
            partitions.append((name, _text(table, name, value)))
        else:
            raise _not_writable(column)
    return Incoming(values, row_id, tuple(partitions), bound, valid_until)


def _members(table: DataverseTable, body: Document) -> Iterator[tuple[str, Any]]:
    """Without what is said about the row or about a column, such as its formatted value."""
    for name, value in body.items():
        if name == _TYPE:
            _check_type(table, value)
        elif "@" not in name or name.endswith(BIND):
            yield name, value


def _check_type(table: DataverseTable, value: Any) -> None:
    expected = f"{NAMESPACE}.{table.logical}"
    if value is not None and (not isinstance(value, str) or value.removeprefix("#") != expected):
        raise errors.OptionInvalid(option=_TYPE, reason=f"is {described(value)}; expected '{expected}'")


def _is_key(table: DataverseTable, name: str) -> bool:
    return table.source.get_column(name).is_key


def _text(table: DataverseTable, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(table, name, value, "a string")
    return value


def _guid(table: DataverseTable, name: str, value: Any) -> uuid.UUID:
    guid = read_guid(value) if isinstance(value, str) else None
    if guid is None:
        raise _wrong(table, name, value, "a GUID")
    return guid


def _valid_until(table: DataverseTable, value: Any, now: datetime) -> str:
    if type(value) is not int or not 1 <= value <= LIFETIME_MAX_SECONDS:
        expected = f"an integer from 1 to {LIFETIME_MAX_SECONDS}, which is {lifetime.LIFETIME_MAX.days} days"
        raise _wrong(table, "ttlinseconds", value, expected)
    return catalog.format_instant(lifetime.later(now, timedelta(seconds=value)))


def _wrong(table: DataverseTable, name: str, value: Any, expected: str) -> errors.WrongType:
    return errors.WrongType(table=table.logical, column=name, found=described(value), expected=expected)


def _not_writable(column: DataverseColumn) -> errors.OptionInvalid:
    reason = f"is written by {LOOKUP}{BIND}" if column.role is Role.LOOKUP else "is read-only"
    return errors.OptionInvalid(option=f"Column {column.name}", reason=reason)


def _identified(table: DataverseTable, values: Document, row_id: uuid.UUID | None) -> Document:
    """The id of an activity is what its GUID is made of; a GUID alone is an id, too."""
    if row_id is None:
        return values
    given = values.get(table.key_column)
    if given is None:
        return values | {table.key_column: str(row_id)}
    if row_guids.guid_of(given) != row_id:
        reason = f"is {row_id}; expected {row_guids.guid_of(given)}, the one of the id '{shown(given)}', or none"
        raise errors.OptionInvalid(option=f"Column {table.primary_id}", reason=reason)
    return values


def with_customer(table: DataverseTable, incoming: Incoming, bound_id: str | None) -> Document:
    """The whole record, checked, of the customer that all that names one agrees on."""
    bound = {} if bound_id is None else {CUSTOMER_ID: bound_id}
    with named_as(table):
        record = catalog.validate_record(table.source, bound | incoming.values)
    if bound_id is not None:
        _check_same(LOOKUP + BIND, bound_id, record[CUSTOMER_ID])
    check_partitions(incoming, record[CUSTOMER_ID])
    return record


def check_partitions(incoming: Incoming, customer_id: str) -> None:
    for name, text in incoming.partitions:
        _check_same(name, text, customer_id)


def _check_same(name: str, given: str, customer_id: str) -> None:
    if given != customer_id:
        reason = f"names '{shown(given)}'; expected the customer of the row, '{shown(customer_id)}'"
        raise errors.OptionInvalid(option=f"Column {name}", reason=reason)
