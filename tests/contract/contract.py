"""The vendor's contract, as `contract.json` has it: its operations, and whether a value is one of its types.

A type is a name (`string`, `boolean`, `InstanceInfo`, `array<InstanceInfo>`) or says more: `{"type", "items" | "values"
| "enum"}`. All fields are optional, so null and absence fit any; `object` is any JSON.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

Type = str | dict[str, Any]

EXTENSIONS: Final = {
    "IAttributeMetadata": {"annotations"},  # sent when asked for; the vendor declares no place for them
    "GraphJobInfo": {"reconciliation"},  # what a refresh made of changes and activities
    "ODataEntityPayload": {"@odata.nextLink"},  # how the vendor's documentation pages
}
"""Fields that an answer has beyond those declared, by schema."""

_ARRAY: Final = re.compile(r"array<(.+)>")
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_NEW_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CONTRACT: Final = json.loads((Path(__file__).parent / "contract.json").read_text())
_SCHEMAS: Final[dict[str, dict[str, Type]]] = _CONTRACT["schemas"]


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    query: frozenset[str]
    mandatory_query: frozenset[str]
    answers: dict[int, Type | None]

    @property
    def client_method(self) -> str:
        """What the published client calls it."""
        return snake_case(self.id).replace("-", "_")

    @property
    def path_parameters(self) -> list[str]:
        return _PARAMETER.findall(self.path)

    def list_complaints(self, method: str, target: str) -> Iterator[str]:
        """What a request that was sent has other than the contract."""
        address = urlsplit(target)
        path = re.escape(f"/v1{self.path}").replace(r"\{", "{").replace(r"\}", "}")
        if method != self.method or not re.fullmatch(_PARAMETER.sub("[^/]*", path), address.path):
            yield f"sent {method} {address.path}, declared {self.method} /v1{self.path}"
        names = sent_query(target)
        yield from (f"query parameter {name} is not declared" for name in sorted(names - self.query))
        yield from (f"query parameter {name} is missing" for name in sorted(self.mandatory_query - names))


def snake_case(name: str) -> str:
    return _NEW_WORD.sub("_", name).lower()


def sent_query(target: str) -> set[str]:
    return {name for name, _ in parse_qsl(urlsplit(target).query, keep_blank_values=True)}


def _operation(declared: dict[str, Any]) -> Operation:
    query = [parameter for parameter in declared["parameters"] if parameter["in"] == "query"]
    return Operation(
        id=declared["operationId"],
        method=declared["method"],
        path=declared["path"],
        query=frozenset(parameter["name"] for parameter in query),
        mandatory_query=frozenset(parameter["name"] for parameter in query if parameter["required"]),
        answers={int(status): type_ for status, type_ in declared["responses"].items()},
    )


OPERATIONS: Final = {declared["operationId"]: _operation(declared) for declared in _CONTRACT["operations"]}


def list_misfits(value: Any, type_: Type, at: str = "") -> Iterator[str]:
    """Where a value is not of its type."""
    array = None if isinstance(type_, dict) else _ARRAY.fullmatch(type_)
    if array is not None:
        type_ = {"type": "array", "items": array[1]}
    detail = type_ if isinstance(type_, dict) else {"type": type_}
    name = detail["type"]
    if value is None and at:
        return
    if name in _SCHEMAS:
        yield from _list_misfits_of_object(value, name, at)
    elif name in ("array", "map"):
        yield from _list_misfits_of_parts(value, detail, at)
    elif not _SCALARS[name](value) or value not in detail.get("enum", [value]):
        yield f"{at or 'the answer'} is {value!r}, declared {detail.get('enum', name)}"


def list_unfilled(values: list[Any], type_: Type | None) -> list[str]:
    """The fields of an object, or of an array's objects, that hold nothing in any of the values, in declared order."""
    name = type_ if isinstance(type_, str) else ""
    array = _ARRAY.fullmatch(name)
    items = [item for value in values for item in value] if array else values
    fields = _SCHEMAS.get(array[1] if array else name, {})
    return [field for field in fields if all(item.get(field) in (None, [], {}, "") for item in items)]


def client_type(type_: Type | None) -> str:
    """What the published client makes of it."""
    if type_ is None:
        return "NoneType"
    assert isinstance(type_, str)
    return "list" if _ARRAY.fullmatch(type_) else {"boolean": "bool"}.get(type_, type_)


def _list_misfits_of_object(value: Any, schema: str, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at or 'the answer'} is {value!r}, declared {schema}"
        return
    fields = _SCHEMAS[schema]
    undeclared = set(value) - set(fields) - EXTENSIONS.get(schema, set())
    yield from (f"{at}.{name} is not declared in {schema}" for name in sorted(undeclared))
    for name, type_ in fields.items():
        yield from list_misfits(value.get(name), type_, f"{at}.{name}")


def _list_misfits_of_parts(value: Any, detail: dict[str, Any], at: str) -> Iterator[str]:
    if not isinstance(value, list if detail["type"] == "array" else dict):
        yield f"{at or 'the answer'} is {value!r}, declared {detail['type']}"
        return
    items = enumerate(value) if isinstance(value, list) else value.items()
    for key, item in items:
        yield from list_misfits(item, detail["items" if isinstance(value, list) else "values"], f"{at}[{key}]")


def _is_integer(bits: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def _is_instant(value: Any) -> bool:
    try:
        return "T" in value and datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _is_uuid(value: Any) -> bool:
    try:
        return str(uuid.UUID(value)) == value.lower()
    except (AttributeError, TypeError, ValueError):
        return False


_SCALARS: Final[dict[str, Callable[[Any], bool]]] = {
    "object": lambda _: True,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "int": _is_integer(32),
    "long": _is_integer(64),
    "double": lambda value: type(value) in (int, float),
    "dateTime": _is_instant,
    "uuid": _is_uuid,
}
