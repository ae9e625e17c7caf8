"""What the sections of the environment file are made of: names, types, durations, and how a wrong one is told."""

import enum
import re
import uuid
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from topcoat.core import catalog, corrupt_rows, definitions
from topcoat.core.catalog import ColumnType
from topcoat.core.overlay import lifetime

KEY_LENGTH_MAX: Final = 200
NAME_LENGTH_MAX: Final = 128

EXPECTED: Final = "expected"
UNKNOWN_KEY: Final = "unknown_key"

_Enum = TypeVar("_Enum", bound=enum.Enum)


def expected(what: str) -> PydanticCustomError:
    return PydanticCustomError(EXPECTED, "expected {expected}", {"expected": what})


def _unknown_key(key: str, reason: str) -> PydanticCustomError:
    return PydanticCustomError(UNKNOWN_KEY, "{reason}", {"key": key, "reason": reason})


def one_of(kind: type[_Enum]) -> BeforeValidator:
    words = [member.value for member in kind]

    def read(value: Any) -> Any:
        if value in words:
            return kind(value)
        hint = catalog.suggestion(value, words) if isinstance(value, str) else ""
        raise expected(f"one of {', '.join(words)}{hint}")

    return BeforeValidator(read)


def _check_text(text: str) -> str:
    if not definitions.is_text(text):
        raise expected(definitions.TEXT_EXPECTED)
    return text


def _check_column_name(name: str) -> str:
    if not name.isidentifier() or len(name) > NAME_LENGTH_MAX:
        raise expected(f"a column name: at most {NAME_LENGTH_MAX} letters, digits and underscores, no digit first")
    return name


_TABLE_NAME: Final = re.compile("[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]+")
_RESERVED_NAMES: Final = (catalog.CUSTOMER_MEASURE,)


def _check_table_name(name: str) -> str:
    if not _TABLE_NAME.fullmatch(name) or len(name) > NAME_LENGTH_MAX:
        raise expected("a table name such as PoS_posPurchases: data source, underscore, table; letters and digits")
    if name in _RESERVED_NAMES:
        raise expected("another name; this one is a table that every instance has")
    if name.lower().endswith(corrupt_rows.SUFFIX):
        raise expected(f"another name; {corrupt_rows.SUFFIX} ends those of tables of rows that could not be taken")
    return name


def _read_guid(text: str) -> str:
    try:
        number = uuid.UUID(text)
    except ValueError:
        raise expected(_GUID_EXPECTED) from None
    if str(number) != text.lower():
        raise expected(_GUID_EXPECTED)
    return str(number)


_GUID_EXPECTED: Final = "a GUID such as c0ffee00-0000-4000-8000-000000000001"
_DURATION: Final = re.compile(
    "P(?=.)(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?(?:T(?=.)(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9})S)?)?"
)
_DURATION_EXPECTED: Final = (
    f"an ISO 8601 duration such as PT4H or P30D, above zero and at most {lifetime.LIFETIME_MAX.days} days"
)


def _read_lifetime(value: Any) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise expected(_DURATION_EXPECTED)
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    duration = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta(0) < duration <= lifetime.LIFETIME_MAX:
        raise expected(_DURATION_EXPECTED)
    return duration


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name is that of a folder, such as Europe
        hint = catalog.suggestion(name, sorted(available_timezones()))
        raise expected(f"the IANA name of a time zone such as Europe/Oslo{hint}") from None
    return name


def _check_region(code: str) -> str:
    """Without the extra the refresh itself is refused."""
    try:
        from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - comes with an extra
    except ModuleNotFoundError:
        return code
    if code not in SUPPORTED_REGIONS:
        hint = f" (did you mean '{code.upper()}'?)" if code.upper() in SUPPORTED_REGIONS else ""
        raise expected(f"the ISO code of a country such as US{hint}")
    return code


def _check_subscription_key(key: str) -> str:
    if not key.isascii() or not key.isprintable() or " " in key or not 0 < len(key) <= KEY_LENGTH_MAX:
        raise expected(f"1 to {KEY_LENGTH_MAX} printable ASCII characters without blanks")
    return key


Text = Annotated[str, AfterValidator(_check_text)]
ColumnName = Annotated[str, AfterValidator(_check_column_name)]
TableName = Annotated[
    str, AfterValidator(_check_table_name), Field(json_schema_extra={"pattern": f"^{_TABLE_NAME.pattern}$"})
]
Guid = Annotated[str, AfterValidator(_read_guid), Field(json_schema_extra={"format": "uuid"})]
Lifetime = Annotated[
    timedelta, BeforeValidator(_read_lifetime), WithJsonSchema({"type": "string", "format": "duration"})
]
Region = Annotated[str, AfterValidator(_check_region), Field(json_schema_extra={"pattern": "^[A-Z]{2}$"})]
TimeZone = Annotated[str, AfterValidator(_check_time_zone)]
SubscriptionKey = Annotated[str, AfterValidator(_check_subscription_key)]
Type = Annotated[ColumnType, one_of(ColumnType)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        """Before pydantic's own check, which knows no suggestion."""
        for key in value if isinstance(value, dict) else ():
            if key not in cls.model_fields:
                raise _unknown_key(key, cls._unknown_key_reason(key))
        return value

    @classmethod
    def _unknown_key_reason(cls, key: str) -> str:
        known = ", ".join(cls.model_fields)
        return f"unknown key{catalog.suggestion(key, cls.model_fields)}; expected one of {known}"
