"""Ways to few of many rows that a filter shows: whatever it keeps is on each of them."""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from topcoat.core import customer_rows, row_guids
from topcoat.core.customer_rows import ROW_ID, SEGMENTS
from topcoat.core.odata import evaluate, syntax, wildcards
from topcoat.core.odata.syntax import Expression, Function, Operator
from topcoat.flows.query import plan


def split(tree: Expression | None, names: Collection[str]) -> tuple[Expression | None, Expression | None]:
    """The conditions on no other columns than these, and the rest."""
    on_these: list[Expression] = []
    others: list[Expression] = []
    for term in plan.terms_of(tree):
        (on_these if evaluate.columns_of(term).issubset(names) else others).append(term)
    return syntax.all_of(on_these), syntax.all_of(others)


@dataclass(frozen=True, slots=True)
class AskedKeys:
    """The keys that the RowIds of a filter may stand for, and those of which only a search can tell."""

    keys: tuple[str, ...]
    searched: tuple[uuid.UUID, ...]


def find_keys(tree: Expression | None, scope: str) -> AskedKeys | None:
    """None where a row can have any key."""
    guids = next((ids for ids in map(_row_ids, plan.terms_of(tree)) if ids is not None), None)
    if guids is None:
        return None
    possible = {guid: row_guids.keys_of(guid, scope) for guid in guids}
    keys = dict.fromkeys(key for one in possible.values() for key in one.keys)
    return AskedKeys(tuple(keys), tuple(guid for guid, one in possible.items() if one.is_digest))


def find_segments(tree: Expression | None, known: Sequence[str]) -> tuple[str, ...] | None:
    """Some of which every row has at least one, as few as can be told; None where the filter tells of none."""
    ways = [
        tuple(name for name in known if text in fold(customer_rows.json_text(name)))
        for term in plan.terms_of(tree)
        for text, fold in _needed_texts(term)
        if _is_of_one_name(text)
    ]
    return min(ways, key=len, default=None)


def asks_for_segments(tree: Expression | None) -> bool:
    return any(True for term in plan.terms_of(tree) for _ in _needed_texts(term))


def _row_ids(term: Expression) -> list[uuid.UUID] | None:
    match term:
        case syntax.Comparison(syntax.Column(name=name), Operator.EQ, syntax.String(text)) if name == ROW_ID:
            return list(_guids([text]))
        case syntax.In(syntax.Column(name=name), items) if name == ROW_ID:
            return list(_guids(item.value for item in items if isinstance(item, syntax.String)))
        case _:
            return None


def _guids(texts: Iterable[str]) -> Iterator[uuid.UUID]:
    """What is no GUID is of no row."""
    for text in texts:
        try:
            yield uuid.UUID(text)
        except ValueError:
            continue


def _needed_texts(term: Expression) -> list[tuple[str, Callable[[str], str]]]:
    """Texts that have to be in the list of segments, and how this is folded before."""
    match term:
        case syntax.Call(Function.CONTAINS, (syntax.Column(name=name), syntax.String(text))) if name == SEGMENTS:
            return [(text, str)]
        case syntax.Call(Function.CONTAINS, (operand, syntax.String(text))) if _is_folded(operand):
            return [(text, str.lower)]
        case syntax.Like(operand, pattern) if _is_folded(operand):
            return [(text, str.lower) for text in wildcards.list_literals(pattern)]
        case _:
            return []


def _is_folded(operand: Expression) -> bool:
    """Whether it is the list of segments in lower case."""
    match operand:
        case syntax.Call(Function.TOLOWER, (syntax.Column(name=name),)):
            return name == SEGMENTS
        case _:
            return False


def _is_of_one_name(text: str) -> bool:
    """Whether a text, wherever it is in a list's JSON, is in one of its names, the quotes around it included."""
    inner = text.removeprefix('"').removesuffix('"')
    return '"' not in inner and inner not in ("", ",", "[", "]")
