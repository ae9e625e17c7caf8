"""Where an address leads among descriptions: to several, to one, or to what one of them says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from topcoat.core import errors
from topcoat.core.catalog import shown
from topcoat.surfaces.dataverse.metadata.shapes import ID, Description, Shape
from topcoat.surfaces.dataverse.names import NAMESPACE
from topcoat.surfaces.dataverse.resource import Segment, not_found


@dataclass(frozen=True, slots=True)
class Several:
    """`name` is what contexts call them."""

    name: str
    shape: Shape
    descriptions: Sequence[Description]


@dataclass(frozen=True, slots=True)
class One:
    """`name` is what contexts call what it is one of, and `path` leads to it."""

    name: str
    path: str
    shape: Shape
    description: Description


@dataclass(frozen=True, slots=True)
class Value:
    path: str
    value: Any


Place = Several | One | Value


def find_place(root: Several, segments: Sequence[Segment]) -> Place:
    """`segments` begin with the root's own; raise `SegmentNotFound` or `RecordNotFound`."""
    place: Place = _keyed(root, segments[0])
    for segment in segments[1:]:
        place = _next(place, segment)
    return place


def _next(place: Place, segment: Segment) -> Place:
    match place:
        case Several():
            return _keyed(_cast_several(place, _subtype(place.shape, segment)), segment)
        case One() if segment.name.startswith(f"{NAMESPACE}."):
            return _cast_one(place, _subtype(place.shape, segment), segment)
        case One():
            return _property(place, segment)
        case Value():
            raise not_found(segment.name)
        case _:
            assert_never(place)


def _subtype(shape: Shape, segment: Segment) -> Shape:
    name = segment.name.removeprefix(f"{NAMESPACE}.")
    found = next((subtype for subtype in shape.derived if subtype.name == name), None)
    if found is None or name == segment.name:
        raise not_found(segment.name)
    return found


def _cast_several(place: Several, shape: Shape) -> Several:
    cast = [one for one in place.descriptions if one.shape is shape]
    return Several(f"{place.name}/{NAMESPACE}.{shape.name}", shape, cast)


def _cast_one(place: One, shape: Shape, segment: Segment) -> One:
    if place.description.shape is not shape or segment.has_parentheses:
        raise not_found(segment.name)
    cast = f"/{NAMESPACE}.{shape.name}"
    return replace(place, name=place.name + cast, path=place.path + cast, shape=shape)


def _property(place: One, segment: Segment) -> Place:
    name, description = segment.name, place.description
    path = f"{place.path}/{name}"
    if name in place.shape.navigations:
        return _related(path, place, segment)
    if name not in place.shape.usual or segment.has_parentheses:
        raise not_found(name)
    return Value(path, description.properties[name])


def _related(path: str, place: One, segment: Segment) -> Place:
    shape = place.shape.navigations[segment.name]
    found = place.description.related[segment.name]()
    if found is None:
        return Value(path, None)
    if isinstance(found, Description):
        if segment.has_parentheses:
            raise not_found(segment.name)
        return One(path, path, shape, found)
    return _keyed(Several(path, shape, found), segment)


def _keyed(place: Several, segment: Segment) -> Several | One:
    """The one that a key tells, where there is a key."""
    if not segment.has_parentheses:
        return place
    if not segment.has_key:
        raise not_found(f"{segment.name}()")
    name, value = _read_key(place.shape, segment)
    found = next((one for one in place.descriptions if one.properties[name] == value), None)
    if found is None:
        raise errors.RecordNotFound(table=place.shape.name, record_id=shown(value))
    return One(place.name, f"{place.name}({found.properties[ID]})", place.shape, found)


def _read_key(shape: Shape, segment: Segment) -> tuple[str, str]:
    if segment.guid is not None:
        return ID, str(segment.guid)
    keys = (ID, *shape.keys)
    if len(segment.arguments) != 1 or not set(segment.arguments) <= set(keys):
        reason = f"names {', '.join(map(shown, segment.arguments))}; expected one of {', '.join(keys)}"
        raise errors.OptionInvalid(option=f"The key of {segment.name}", reason=reason)
    ((name, value),) = segment.arguments.items()
    return name, value.lower() if name == ID else value
