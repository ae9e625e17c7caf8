"""What of texts is levelled before they are compared, set-wise."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Final

import ibis
import pyarrow
from ibis.expr import types as ir

from topcoat.core.unification import Normalization
from topcoat.flows.refresh.unify import levelling

_TYPES: Final = frozenset({Normalization.NAME, Normalization.ADDRESS, Normalization.ORGANIZATION})
_SYMBOLS: Final = r"[!-/:-@\[-`{-~]+"
_BLANKS: Final = r"[\s\p{Z}\x{0B}\x{1C}-\x{1F}\x{85}\x{200B}\x{FEFF}]+"
_BEYOND_ASCII: Final = r"[^\x00-\x7F]"
_MAYBE_NUMERAL: Final = r"(?:^|[^A-Za-z0-9])(?:[MDCLXVI]+|[mdclxvi]+)(?:[^A-Za-z0-9]|$)|[^\x00-\x7F]"


def normalise(value: ir.StringValue, kinds: Sequence[Normalization], *, region: str | None = None) -> ir.StringValue:
    """Level texts, whatever the order of the kinds; a text of which nothing is left becomes null.

    A phone number is levelled as such, whatever other kinds there are; `region` is its country where it names none.
    """
    if Normalization.PHONE in kinds:
        return _level_phones(region or "")(value).nullif("")
    for kind, level in _LEVELLED_IN_ORDER:
        if kind in kinds or (kind is Normalization.CASE and not _TYPES.isdisjoint(kinds)):
            value = level(value)
    return value.nullif("")


def _over_batches(level: Callable[[str], str]) -> Callable[[Any], Any]:
    """A function of the engine that levels texts one by one; it is never asked about null."""

    def level_all(texts: Any) -> Any:
        return pyarrow.array([level(text) for text in texts.to_pylist()], pyarrow.string())

    declared: Callable[[Any], Any] = ibis.udf.scalar.pyarrow(level_all, signature=(("string",), "string"))
    return declared


@lru_cache
def _level_phones(region: str) -> Callable[[Any], Any]:
    return _over_batches(partial(levelling.standard_phone, region=region))


_fold: Final = _over_batches(levelling.fold_to_ascii)
_count: Final = _over_batches(levelling.to_arabic_numerals)

# Names of people and firms are told by their punctuation, numerals by their words: symbols and blanks go last.
_LEVELLED_IN_ORDER: Final[Sequence[tuple[Normalization, Callable[[Any], Any]]]] = (
    (Normalization.UNICODE, lambda value: ibis.ifelse(value.re_search(_BEYOND_ASCII), _fold(value), value)),
    (Normalization.CASE, lambda value: value.lower()),
    (Normalization.NUMERALS, lambda value: ibis.ifelse(value.re_search(_MAYBE_NUMERAL), _count(value), value)),
    (Normalization.NAME, _over_batches(levelling.standard_name)),
    (Normalization.ADDRESS, _over_batches(levelling.standard_address)),
    (Normalization.ORGANIZATION, _over_batches(levelling.standard_organization)),
    (Normalization.SYMBOLS, lambda value: value.re_replace(_SYMBOLS, "")),
    (Normalization.WHITESPACE, lambda value: value.re_replace(_BLANKS, "")),
)
