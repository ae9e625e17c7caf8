"""Records as rows: columns under their logical names, an ETag, and the annotations that were asked for."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from topcoat.core import row_guids
from topcoat.core.catalog import Document, format_instant, parse_instant
from topcoat.core.customer_rows import ROW_ID
from topcoat.flows.query.reading import STANDING, Standing
from topcoat.surfaces.dataverse.names import LOOKUP, AttributeType, DataverseColumn, DataverseTable, Role
from topcoat.surfaces.dataverse.preferences import FORMATTED_VALUE, Preferences

_AS_THEY_ARE: Final = (Role.VALUE, Role.PARTITION, Role.LOOKUP_PARTITION)
_VERSION_BITS: Final = 53
_LOOKUP_NAME: Final = "Microsoft.Dynamics.CRM.lookuplogicalname"
_LOOKUP_NAVIGATION: Final = "Microsoft.Dynamics.CRM.associatednavigationproperty"


@dataclass(frozen=True, slots=True)
class RowMaker:
    """`now` is the instant that lifetimes are counted from, `refreshed_at` when the snapshot came."""

    table: DataverseTable
    profiles: DataverseTable
    preferences: Preferences
    now: datetime
    refreshed_at: datetime | None

    def rows(self, records: Iterable[Document], columns: Sequence[DataverseColumn]) -> list[dict[str, Any]]:
        """There may be thousands, and of their values most are shown as they are."""
        plain = [(column.shown_name, str(column.source)) for column in columns if column.role in _AS_THEY_ARE]
        made = [column for column in columns if column.role not in _AS_THEY_ARE]
        order = {"@odata.etag": None} | {column.shown_name: None for column in columns}
        return [self._row(record, columns, plain, made, order) for record in records]

    def _row(
        self,
        record: Document,
        columns: Sequence[DataverseColumn],
        plain: Sequence[tuple[str, str]],
        made: Sequence[DataverseColumn],
        order: dict[str, Any],
    ) -> dict[str, Any]:
        standing: Standing | None = record.get(STANDING)
        version = version_of(record)
        row = order | {"@odata.etag": etag(version)} | {name: record[source] for name, source in plain}
        for column in made:
            row[column.shown_name] = self._value(column, record, standing, version)
        if self.preferences.annotations:
            for column in columns:
                row |= self._annotations(column, row[column.shown_name])
        return row

    def _value(self, column: DataverseColumn, record: Document, standing: Standing | None, version: int) -> Any:  # noqa: PLR0911 - one for each role
        match column.role:
            case Role.ROW_ID:
                return row_id(record, self.table)
            case Role.LOOKUP:
                customer_id = record[str(column.source)]
                return None if customer_id is None else str(row_guids.guid_of(customer_id))
            case Role.TTL:
                return None if standing is None else _seconds(standing.lapses_at - self.now)
            case Role.CREATED:
                return self._created(standing)
            case Role.MODIFIED:
                return _instant(self.refreshed_at if standing is None else standing.recorded_at)
            case Role.VERSION:
                return version
            case _:
                return None

    def _created(self, standing: Standing | None) -> str | None:
        """A live activity came when it was posted; what is live of a profile did not create it."""
        if standing is not None and not self.table.is_profiles:
            return _instant(standing.recorded_at)
        return _instant(self.refreshed_at)

    def _annotations(self, column: DataverseColumn, value: Any) -> dict[str, Any]:
        if value is None:
            return {}
        found: dict[str, Any] = {}
        formatted = _formatted(column, value)
        if formatted is not None and self.preferences.includes(FORMATTED_VALUE):
            found[f"{column.shown_name}@{FORMATTED_VALUE}"] = formatted
        if column.role is Role.LOOKUP:
            named = {_LOOKUP_NAME: self.profiles.logical, _LOOKUP_NAVIGATION: LOOKUP}
            found |= {f"{column.shown_name}@{n}": text for n, text in named.items() if self.preferences.includes(n)}
        return found


def row_id(record: Mapping[str, Any], table: DataverseTable) -> str:
    """The GUID of a record, as text."""
    if table.key_column == ROW_ID:
        return str(record[ROW_ID])
    return str(row_guids.guid_of(record[table.key_column]))


def etag(version: int) -> str:
    return f'W/"{version}"'


def version_of(record: Document) -> int:
    """A number that names what a record shows; no larger than JavaScript's integers."""
    standing: Standing | None = record.get(STANDING)
    shown = {name: value for name, value in record.items() if name != STANDING}
    stamp = None if standing is None else [standing.recorded_at.isoformat(), standing.lapses_at.isoformat()]
    digest = hashlib.blake2b(orjson.dumps([shown, stamp]), digest_size=8).digest()
    return int.from_bytes(digest) >> 64 - _VERSION_BITS


def _seconds(left: timedelta) -> int:
    """Whole seconds, of which the last has begun: a live record has at least one."""
    return max(1, -(-left // timedelta(seconds=1)))


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant.replace(microsecond=0))


def _formatted(column: DataverseColumn, value: Any) -> str | None:
    """As the vendor's service shows it in American English."""
    match column.type:
        case AttributeType.BOOLEAN:
            return "Yes" if value else "No"
        case AttributeType.BIGINT | AttributeType.INTEGER:
            return f"{value:,}"
        case AttributeType.DECIMAL:
            return f"{value:,.2f}"
        case AttributeType.DATE_TIME:
            return _formatted_instant(value, is_date_only=column.is_date_only)
        case _:
            return None


def _formatted_instant(text: str, *, is_date_only: bool) -> str:
    instant = parse_instant(f"{text}T00:00:00Z" if is_date_only else text)
    day = f"{instant.month}/{instant.day}/{instant.year}"
    if is_date_only:
        return day
    return f"{day} {instant.hour % 12 or 12}:{instant.minute:02} {'AM' if instant.hour < 12 else 'PM'}"
