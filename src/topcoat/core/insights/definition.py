"""Segments and measures as they are defined, in the words of the vendor's contract, and what each leans on."""

import enum
import graphlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER, CUSTOMER_MEASURE, Document

SEGMENT_ATTRIBUTE: Final = "IsMemberOfSegment"
SEGMENT_OPERATORS: Final = ("equals", "notEquals", "isIn")
NAME_LENGTH_MAX: Final = 100
DOCUMENT_LENGTH_MAX: Final = 50_000
_NAME: Final = re.compile(f"[A-Za-z][A-Za-z0-9_]{{0,{NAME_LENGTH_MAX - 1}}}")


class Kind(enum.Enum):
    """Measures come first where they are listed together."""

    MEASURE = "measure"
    SEGMENT = "segment"


Key = tuple[Kind, str]


class Fault(enum.Enum):
    """Why a definition is refused, in the contract's words."""

    PARSING_FAILED = "parsingFailed"
    ENTITY_NOT_FOUND = "entityNotFound"
    ATTRIBUTE_NOT_FOUND = "attributeNotFound"
    UNSUPPORTED_SYNTAX = "unsupportedSyntax"
    INVALID_OPERATION = "invalidOperation"
    INVALID_ARGUMENT = "invalidArgument"


@dataclass(frozen=True, slots=True)
class Definition:
    """`document` is the contract's metadata as it was given; `is_active` only ever fails for segments."""

    kind: Kind
    name: str
    document: Document
    is_active: bool = True

    @property
    def key(self) -> Key:
        return self.kind, self.name


def is_name(text: str) -> bool:
    """Names become columns, and stand in filters."""
    return _NAME.fullmatch(text) is not None


def check_document(name: str, document: Document) -> None:
    """Raise `DefinitionInvalid` for what is too long to be kept, or that no database keeps."""
    waiting: list[Any] = [document]
    length = 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        else:
            length += len(str(value)) + 1
            if "\0" in str(value):
                raise refusal(Fault.INVALID_ARGUMENT, name, "holds a text with the control character U+0000")
    if length > DOCUMENT_LENGTH_MAX:
        reason = f"has {length} characters; at most {DOCUMENT_LENGTH_MAX} are kept"
        raise refusal(Fault.INVALID_ARGUMENT, name, reason)


def refusal(fault: Fault, place: str, reason: str) -> errors.DefinitionInvalid:
    return errors.DefinitionInvalid(fault=fault.value, place=place, reason=reason)


def items_of(document: Mapping[str, Any], name: str) -> list[Any]:
    """A list of the document; one that is null is empty."""
    return document.get(name) or []


def list_conditions(criteria: Document, place: str) -> Iterator[tuple[Document, str]]:
    """The conditions that `and` and `or` join, and where each stands."""
    children = items_of(criteria, "childCriterias")
    if not children:
        yield criteria, place
    for index, child in enumerate(children):
        yield from list_conditions(child, f"{place}.childCriterias[{index}]")


def list_criteria(definition: Definition) -> list[tuple[Document, str]]:
    """The trees of conditions in a definition, and where each stands."""
    if definition.kind is Kind.MEASURE:
        criteria = (definition.document.get("definition") or {}).get("filteringCriteria")
        return [] if criteria is None else [(criteria, "definition.filteringCriteria")]
    rowsets = items_of(definition.document.get("segmentQueryExpression") or {}, "rowsets")
    place = "segmentQueryExpression.rowsets[{}].criteria"
    return [(rowset.get("criteria") or {}, place.format(index)) for index, rowset in enumerate(rowsets)]


def base_table(definition: Definition) -> str:
    """The table whose columns a measure may name alone."""
    linked = items_of(definition.document.get("definition") or {}, "linkedEntities")
    base = [entity for entity in linked if entity.get("kind") in (None, "base")]
    return (base[0].get("entity") if base else None) or CUSTOMER


def tables_by_alias(definition: Definition) -> dict[str, str]:
    """What a measure calls the tables that it is linked to."""
    linked = items_of(definition.document.get("definition") or {}, "linkedEntities")
    named = [entity for entity in linked if entity.get("entity")]
    return {entity.get("alias") or entity["entity"]: entity["entity"] for entity in named}


def split_attribute(attribute: str, aliases: Mapping[str, str], default: str) -> tuple[str, str]:
    """Table and column of `Table.Column`, `Alias.Column`, or a column alone."""
    table, dot, column = attribute.rpartition(".")
    return (aliases.get(table, table), column) if dot else (default, column)


def segments_named(condition: Document) -> list[str]:
    """The segments that one condition asks about."""
    if condition.get("attribute") != SEGMENT_ATTRIBUTE:
        return []
    return (
        items_of(condition, "listOfValues")
        if condition.get("comparisonOperator") == "isIn"
        else [condition.get("value") or ""]
    )


def references_of(definition: Definition, known: Collection[Key]) -> frozenset[Key]:
    """The definitions, of those known, whose results this one needs."""
    aliases = tables_by_alias(definition)
    default = base_table(definition)
    named: set[Key] = set()
    attributes = [aggregate.get("field") or "" for aggregate in _aggregates(definition)]
    for criteria, place in list_criteria(definition):
        for condition, _ in list_conditions(criteria, place):
            named |= {(Kind.SEGMENT, name) for name in segments_named(condition)}
            attributes.append(condition.get("attribute") or "")
    for attribute in attributes:
        table, column = split_attribute(attribute, aliases, default)
        if table == CUSTOMER_MEASURE:
            named.add((Kind.MEASURE, column))
    return frozenset(named & set(known))


def _aggregates(definition: Definition) -> list[Document]:
    return items_of(definition.document.get("definition") or {}, "aggregates")


def ordered(definitions: Iterable[Definition]) -> list[Definition]:
    """Each behind those that it leans on, by name otherwise; raise `DefinitionsCyclic`, which names the circle."""
    by_key = {d.key: d for d in sorted(definitions, key=lambda d: (d.kind is Kind.SEGMENT, d.name))}
    graph = {key: references_of(definition, by_key) for key, definition in by_key.items()}
    try:
        return [by_key[key] for key in graphlib.TopologicalSorter(graph).static_order()]
    except graphlib.CycleError as error:
        circle = " -> ".join(f"{kind.value} '{name}'" for kind, name in reversed(error.args[1]))
        raise errors.DefinitionsCyclic(circle=circle) from None


def dependents_of(key: Key, definitions: Collection[Definition]) -> list[Definition]:
    """Those that lean on the one named."""
    return [d for d in definitions if d.key != key and key in references_of(d, {key})]
