"""`$search`: whole words of the searched columns, whatever their case.

A word or phrase of the question matches where some of its tokens does. One without any token matches nothing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, assert_never

from topcoat.core.catalog import Column
from topcoat.core.odata import syntax
from topcoat.core.odata.column_values import read_string
from topcoat.core.odata.syntax import Search
from topcoat.core.tokens import tokens_of

Matcher = Callable[[Collection[str]], bool]


def search_tokens(record: Mapping[str, Any], columns: Iterable[Column]) -> frozenset[str]:
    """What there is to find of a record in its searched columns."""
    texts = (read_string(record.get(column.name)) for column in columns)
    return frozenset(token for text in texts if text is not None for token in tokens_of(text))


def compile_search(tree: Search) -> Matcher:
    """A condition on the tokens of a record; a set of them is the quickest."""
    match tree:
        case syntax.SearchTerm(text) | syntax.SearchPhrase(text):
            return _matches_some(frozenset(tokens_of(text)))
        case syntax.SearchAnd(terms):
            every = list(map(compile_search, terms))
            return lambda tokens: all(matches(tokens) for matches in every)
        case syntax.SearchOr(terms):
            some = list(map(compile_search, terms))
            return lambda tokens: any(matches(tokens) for matches in some)
        case syntax.SearchNot(operand):
            negated = compile_search(operand)
            return lambda tokens: not negated(tokens)
        case _:
            assert_never(tree)


def needed_tokens(tree: Search) -> tuple[frozenset[str], ...]:
    """Sets of tokens such that every matching record has at least one of each, those of long words first.

    There is none where records without any of some tokens can match; an empty one where nothing matches.
    """
    match tree:
        case syntax.SearchTerm(text) | syntax.SearchPhrase(text):
            return (frozenset(tokens_of(text)),)
        case syntax.SearchAnd(terms):
            return tuple(sorted((needed for term in terms for needed in needed_tokens(term)), key=_likely_matches))
        case syntax.SearchOr(terms):
            narrowest = [needed[0] for term in terms if (needed := needed_tokens(term))]
            return (frozenset[str]().union(*narrowest),) if len(narrowest) == len(terms) else ()
        case syntax.SearchNot():
            return ()
        case _:
            assert_never(tree)


def _likely_matches(tokens: frozenset[str]) -> tuple[int, int]:
    """A guess that puts first what is likely to match least: few words, and long ones."""
    return len(tokens), -min(map(len, tokens), default=0)


def _matches_some(wanted: frozenset[str]) -> Matcher:
    return lambda tokens: not wanted.isdisjoint(tokens)
