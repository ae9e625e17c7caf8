"""Finding customers: by words, in the search index where there is one, and by values of some columns."""

import contextlib
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER, Column, ColumnType, Table
from topcoat.core.odata import lexer, syntax
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.core.odata.syntax import Expression, Function, Operator, OrderBy, Search
from topcoat.core.search_configuration import SearchConfiguration
from topcoat.flows.query import Query
from topcoat.flows.query.paging import Page
from topcoat.surfaces.customer_card.call import read_number
from topcoat.surfaces.pages import column_roles

WORDS_MAX: Final = 10
WORDS_LENGTH_MAX: Final = 200
VALUES_MAX: Final = 20
PAGE_DEFAULT: Final = 24
PAGE_MAX: Final = 96
VALUE_PREFIX: Final = "in."
FACET_TYPES: Final = (ColumnType.STRING, ColumnType.BOOLEAN, ColumnType.INTEGER)

Values = Mapping[str, Sequence[str]]
"""What is chosen, as texts, by column."""


class Manner(enum.Enum):
    """What is looked for: words as the index knows them, a customer's id, or parts of words."""

    WORDS = "words"
    ID = "id"
    PARTS = "parts"


@dataclass(frozen=True, slots=True)
class Question:
    words: str
    values: Values
    skiptoken: str | None
    manner: Manner = Manner.WORDS
    top: int = PAGE_DEFAULT

    @property
    def is_empty(self) -> bool:
        return not self.words and not self.values

    def without(self, column: str) -> "Question":
        return replace(self, values={name: texts for name, texts in self.values.items() if name != column})


@dataclass(frozen=True, slots=True)
class Directory:
    """The customers of an instance, and what helps to find them."""

    query: Query
    instance: str
    table: Table
    configuration: SearchConfiguration

    @property
    def searched(self) -> tuple[Column, ...]:
        return self.configuration.searched(self.table)

    async def settle(self, question: Question) -> tuple[Question, Page]:
        """The question, or where nothing is found the same in another manner, with its page."""
        settled, page = question, await self.find(question)
        if not question.words or question.skiptoken or question.manner is not Manner.WORDS:
            return question, page
        for manner in (Manner.ID, Manner.PARTS):
            if page.records:
                break
            settled = replace(question, manner=manner)
            with contextlib.suppress(errors.QueryTooSlow):  # nobody asked for it
                page = await self.find(settled)
        return (settled if page.records else question), page

    async def find(self, question: Question) -> Page:
        """A page of those who match, each with when it was changed and what of it changes back."""
        options = QueryOptions(
            filter=self._condition(question),
            search=self._search(question),
            select=self._selected(question),
            orderby=self._order(),
            skiptoken=question.skiptoken,
            standing=True,
            page_size=question.top,
        )
        return await self.query.read_records(self.instance, RecordAddress(CUSTOMER), options)

    def _search(self, question: Question) -> Search | None:
        """Every word has to be found; none is an operator."""
        terms = tuple(syntax.SearchTerm(word) for word in words_of(question))
        if not self.searched or not terms or question.manner is not Manner.WORDS:
            return None
        return terms[0] if len(terms) == 1 else syntax.SearchAnd(terms)

    def _condition(self, question: Question) -> Expression | None:
        terms = [self._one_of(name, texts) for name, texts in question.values.items()]
        if question.manner is Manner.ID:
            terms.append(_equals(catalog.CUSTOMER_ID, syntax.String(question.words)))
        elif question.manner is Manner.PARTS or not self.searched:
            columns = self.searched or column_roles.named_columns(self.table)
            terms += [_any_of([_contains(column, word) for column in columns]) for word in words_of(question)]
        return syntax.all_of(terms)

    def _one_of(self, name: str, texts: Sequence[str]) -> Expression:
        """Raise `UnknownColumn`, `WrongType` or `ParameterInvalid`."""
        column = self.table.get_column(name)
        if column.type not in FACET_TYPES:
            expected = "a column of texts, whole numbers or booleans"
            raise errors.ParameterInvalid(
                parameter=f"{VALUE_PREFIX}{name}", found=f"of type {column.type.value}", expected=expected
            )
        literals = [_literal(catalog.parse_text(self.table, column, text)) for text in texts]
        return _any_of([_equals(name, literal) for literal in literals])

    def _selected(self, question: Question) -> tuple[str, ...]:
        filtered = [column.name for column in self.table.columns if self.configuration.find_column(column.name)]
        shown = [
            column.name for column in (*column_roles.named_columns(self.table), *column_roles.shown_columns(self.table))
        ]
        return tuple(dict.fromkeys([catalog.CUSTOMER_ID, *shown, *filtered, *question.values]))

    def _order(self) -> tuple[OrderBy, ...]:
        """By name where that is quick."""
        for column in reversed(column_roles.named_columns(self.table)):
            indexed = self.configuration.find_column(column.name)
            if indexed is not None and indexed.is_sortable:
                return (OrderBy(syntax.Column(column.name)),)
        return ()


def read_question(items: Sequence[tuple[str, str]]) -> Question:
    """From the items of an address; raise `QuerySyntaxError` or `ParameterInvalid`."""
    plain = dict(items)
    values: dict[str, list[str]] = {}
    for name, text in items:
        if name.startswith(VALUE_PREFIX):
            values.setdefault(name.removeprefix(VALUE_PREFIX), []).append(text)
    if sum(map(len, values.values())) > VALUES_MAX:
        raise errors.ParameterInvalid(
            parameter=f"{VALUE_PREFIX}…", found=f"there more than {VALUES_MAX} times", expected="fewer values"
        )
    lexer.check_text(plain.get("q", ""), "q")
    words = " ".join(plain.get("q", "")[:WORDS_LENGTH_MAX].split()[:WORDS_MAX])
    manner = _manner(plain.get("by", Manner.WORDS.value))
    top = read_number(plain, "top", default=PAGE_DEFAULT, most=PAGE_MAX)
    return Question(words, values, plain.get("skiptoken") or None, manner, top)


def _manner(text: str) -> Manner:
    try:
        return Manner(text)
    except ValueError:
        expected = " or ".join(manner.value for manner in Manner)
        raise errors.ParameterInvalid(parameter="by", found=f"'{catalog.shown(text)}'", expected=expected) from None


def words_of(question: Question) -> list[str]:
    return question.words.split()


def _contains(column: Column, word: str) -> Expression:
    folded = syntax.Call(Function.TOLOWER, (syntax.Column(column.name),))
    return syntax.Call(Function.CONTAINS, (folded, syntax.String(word.lower())))


def _equals(name: str, literal: syntax.Literal) -> Expression:
    return syntax.Comparison(syntax.Column(name), Operator.EQ, literal)


def _any_of(terms: Sequence[Expression]) -> Expression:
    return terms[0] if len(terms) == 1 else syntax.Or(tuple(terms))


def _literal(value: Any) -> syntax.Literal:
    match value:
        case None:
            return syntax.Null()
        case bool():
            return syntax.Boolean(value)
        case int():
            return syntax.Integer(value)
        case _:
            return syntax.String(value)
