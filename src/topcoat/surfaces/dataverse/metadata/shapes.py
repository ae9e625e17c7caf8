"""What descriptions are made of: types with properties and with what hangs on them, and one of such a type."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from topcoat.core.catalog import Column, ColumnType, Table, TableKind

ID: Final = "MetadataId"
LANGUAGE: Final = 1033
_IDS: Final = uuid.UUID("2b4c1a5e-7d0f-5c53-9d86-3c7a7a1f0e52")


@dataclass(frozen=True, slots=True)
class Shape:
    """A type of descriptions.

    `usual` has every property, as it is where a description says nothing else; its values tell the types. `keys` are
    what one is known by beside its id, `navigations` lead to descriptions of other types, `derived` are its subtypes.
    """

    name: str
    usual: Mapping[str, Any]
    keys: tuple[str, ...] = ()
    navigations: Mapping[str, "Shape"] = field(default_factory=dict)
    derived: tuple["Shape", ...] = ()
    table: Table = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        columns = tuple(column for name, value in self.usual.items() for column in _comparable(name, value))
        object.__setattr__(self, "table", Table(self.name, TableKind.SOURCE, columns, primary_key=ID))

    def widened(self) -> "Shape":
        """The type with the properties of all its subtypes."""
        usual = {name: value for shape in (self, *self.derived) for name, value in shape.usual.items()}
        return Shape(self.name, usual)


@dataclass(frozen=True, slots=True)
class Description:
    """One of a type; `related` gives what a navigation leads to: several, one, or none."""

    shape: Shape
    properties: Mapping[str, Any]
    related: Mapping[str, "Callable[[], Sequence[Description] | Description | None]"] = field(default_factory=dict)

    def value(self, path: str) -> Any:
        """Of a property, or of the value inside of one: `RequiredLevel/Value`."""
        name, _, inner = path.partition("/")
        found = self.properties.get(name)
        return found[inner] if inner and found is not None else found


def describe(
    shape: Shape,
    properties: Mapping[str, Any],
    related: Mapping[str, Callable[[], Sequence[Description] | Description | None]] | None = None,
) -> Description:
    return Description(shape, {**shape.usual, **properties}, related or {})


def metadata_id(*names: str) -> str:
    """The same for the same names, whatever the instance."""
    return str(uuid.uuid5(_IDS, "/".join(names)))


def label(text: str) -> dict[str, Any]:
    """A text in the one language that there is."""
    localized = {
        "Label": text,
        "LanguageCode": LANGUAGE,
        "IsManaged": True,
        ID: metadata_id("label", text),
        "HasChanged": None,
    }
    return {"LocalizedLabels": [localized], "UserLocalizedLabel": localized}


NO_LABEL: Final[Mapping[str, Any]] = {"LocalizedLabels": [], "UserLocalizedLabel": None}


def managed(name: str, value: Any = False) -> dict[str, Any]:  # noqa: FBT002 - most are that
    """A property that a solution could have left open to changes."""
    return {"Value": value, "CanBeChanged": False, "ManagedPropertyLogicalName": name}


def _comparable(name: str, value: Any) -> Iterator[Column]:
    """What conditions may compare; a property that is usually null holds text otherwise."""
    match value:
        case bool():
            yield Column(name, ColumnType.BOOLEAN)
        case int():
            yield Column(name, ColumnType.INTEGER)
        case float():
            yield Column(name, ColumnType.DECIMAL)
        case str() | None:
            yield Column(name, ColumnType.STRING)
        case {"Value": inner}:
            yield from _comparable(f"{name}/Value", inner)
