"""YAML whose values know their lines, so that an error can say where; keys are strings and come once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml

from topcoat.core import catalog, errors

FILE_BYTES_MAX: Final = 1024 * 1024
NODES_MAX: Final = 50_000
DEPTH_MAX: Final = 20

Place = tuple[str | int, ...]

_WHOLE_FILE: Final = "the file"
_TOO_DEEP: Final = f"nested deeper than {DEPTH_MAX} levels"
_MAPPING_TAG: Final = "tag:yaml.org,2002:map"
_LIST_TAG: Final = "tag:yaml.org,2002:seq"


@dataclass(frozen=True, slots=True)
class LocatedYaml:
    """`lines` has the line of each value, that of its key where it has one."""

    file: Path
    value: Any
    lines: Mapping[Place, int]

    def fault(self, place: Place, reason: str) -> errors.EnvironmentInvalid:
        """The error about a place; one that is not in the file has the line of what it is missing from."""
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        return _fault(self.file, self.lines.get(known, 1), _shown_place(place), reason)


def read_yaml(file: Path) -> LocatedYaml:
    """Read one YAML document; raise `EnvironmentInvalid` for a file that is missing, unreadable or no YAML."""
    text = _read_text(file)
    builder = _Builder(file)
    try:
        node = _compose(text)
        value = None if node is None else builder.build(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _fault(file, 1 if mark is None else mark.line + 1, _WHOLE_FILE, _yaml_reason(error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        reason = f"the YAML is broken: character U+{ord(text[error.position]):04X} is not allowed"
        raise _fault(file, line, _WHOLE_FILE, reason) from None
    return LocatedYaml(file, value, builder.lines)


def described(value: Any) -> str:
    """What a YAML value is, for error messages."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case date():
            return f"the date {value.isoformat()}"
        case bytes():
            return "binary data"
        case _:
            return catalog.described(value)


class _Loader(yaml.SafeLoader):
    """Stops before deep nesting exhausts the stack."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it out
            raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    finally:
        loader.dispose()


@dataclass(slots=True)
class _Builder:
    """Turns nodes into plain values; counts them, because aliases can make a small file huge or endless."""

    _file: Path
    lines: dict[Place, int] = field(default_factory=dict)
    _scalars: yaml.SafeLoader = field(default_factory=lambda: yaml.SafeLoader(""))

    def build(self, node: yaml.Node, place: Place) -> Any:
        self.lines.setdefault(place, _line(node))
        if len(place) > DEPTH_MAX:
            raise _fault(self._file, _line(node), _shown_place(place), _TOO_DEEP)
        if len(self.lines) > NODES_MAX:
            raise _fault(self._file, _line(node), _shown_place(place), f"more than {NODES_MAX:,} values in one file")
        match node:
            case yaml.MappingNode(tag=tag) if tag == _MAPPING_TAG:
                return {key: self.build(value, (*place, key)) for key, value in self._entries(node, place)}
            case yaml.SequenceNode(tag=tag) if tag == _LIST_TAG:
                return [self.build(item, (*place, index)) for index, item in enumerate(node.value)]
            case yaml.ScalarNode():
                return self._scalar(node, place)
            case _:
                raise _fault(self._file, _line(node), _shown_place(place), f"the tag {node.tag} is not supported")

    def _entries(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, yaml.Node]]:
        for key_node, value_node in node.value:
            key = self._key(key_node, place)
            here = (*place, key)
            if here in self.lines:
                raise _fault(
                    self._file,
                    _line(key_node),
                    _shown_place(here),
                    f"the key is there twice, first in line {self.lines[here]}",
                )
            self.lines[here] = _line(key_node)
            yield key, value_node

    def _key(self, node: yaml.Node, place: Place) -> str:
        key = self._scalar(node, place) if isinstance(node, yaml.ScalarNode) else node.value
        if isinstance(key, str):
            return key
        reason = f"a key is {described(key)}, expected a string; put it in quotes"
        raise _fault(self._file, _line(node), _shown_place(place), reason)

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        try:
            return self._scalars.construct_object(node)
        except ValueError:  # a date such as 2026-02-30, or a number of too many digits
            reason = f"found {catalog.shown(node.value)}, which YAML cannot read; put it in quotes"
            raise _fault(self._file, _line(node), _shown_place(place), reason) from None


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or error}); expected the environment file of an instance"
        raise _fault(file, 1, _WHOLE_FILE, reason) from None
    if len(content) > FILE_BYTES_MAX:
        raise _fault(file, 1, _WHOLE_FILE, f"it is larger than the limit of {FILE_BYTES_MAX} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _fault(file, line, _WHOLE_FILE, "it is not UTF-8") from None


def _yaml_reason(error: yaml.MarkedYAMLError) -> str:
    """The parser's own words, on one line."""
    words = "; ".join(part for part in (error.context, error.problem) if part)
    return f"the YAML is broken: {catalog.shown(words) if words else 'no more is known'}"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _shown_place(place: Place) -> str:
    """`unified.activities[0].file`"""
    parts = (f"[{part}]" if isinstance(part, int) else f".{catalog.shown(part)}" for part in place)
    return "".join(parts).removeprefix(".") or _WHOLE_FILE


def _fault(file: Path, line: int, place: str, reason: str) -> errors.EnvironmentInvalid:
    return errors.EnvironmentInvalid(file=file, line=line, path=place, reason=reason)
