"""The grammar of `$search`: words and phrases, NOT before AND before OR.

Words and phrases side by side are one group of which some must match, as the parts of a hyphenated word: the group
binds before NOT. Where nothing stands between a group and a parenthesis or NOT, AND does, as OData says.
"""

import re
from typing import Final

from topcoat.core.odata import syntax
from topcoat.core.odata.lexer import Cursor, Kind
from topcoat.core.odata.syntax import Search

SEARCH_TERMS_MAX: Final = 100

_TERMS: Final = (Kind.WORD, Kind.PHRASE)
_OPERATORS: Final = ("AND", "OR", "NOT")
_ESCAPE: Final = re.compile(r'\\(["\\])')


class SearchParser:
    """Reads at a cursor of `lexer.SEARCH_TOKENS`; the words AND, OR and NOT are operators in capitals only."""

    __slots__ = ("_cursor", "_terms")

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._terms = 0

    def read(self) -> Search:
        terms = [self._read_all_of()]
        while self._cursor.skip("OR"):
            terms.append(self._read_all_of())
        return terms[0] if len(terms) == 1 else syntax.SearchOr(tuple(terms))

    def _read_all_of(self) -> Search:
        terms = [self._read_one()]
        while self._cursor.skip("AND") or self._is_at_operand():
            terms.append(self._read_one())
        return terms[0] if len(terms) == 1 else syntax.SearchAnd(tuple(terms))

    def _is_at_operand(self) -> bool:
        return self._cursor.text not in ("", ")", "OR")

    def _read_one(self) -> Search:
        if self._cursor.text == "NOT":
            return self._read_negation()
        if self._cursor.text == "(":
            return self._read_parenthesised()
        return self._read_some_of()

    def _read_negation(self) -> Search:
        self._cursor.descend()
        self._cursor.advance()
        operand = self._read_one()
        self._cursor.ascend()
        return syntax.SearchNot(operand)

    def _read_parenthesised(self) -> Search:
        self._cursor.descend()
        self._cursor.advance()
        inner = self.read()
        self._cursor.expect(")")
        self._cursor.ascend()
        return inner

    def _read_some_of(self) -> Search:
        terms = [self._read_term()]
        while self._is_at_term():
            terms.append(self._read_term())
        return terms[0] if len(terms) == 1 else syntax.SearchOr(tuple(terms))

    def _is_at_term(self) -> bool:
        return self._cursor.kind in _TERMS and self._cursor.text not in _OPERATORS

    def _read_term(self) -> Search:
        cursor = self._cursor
        text = cursor.text
        if not self._is_at_term():
            raise cursor.failure("a word, a phrase in double quotes, 'NOT' or '('")
        self._count_term()
        phrase = _read_phrase(text) if cursor.kind is Kind.PHRASE else None
        if phrase is not None and not phrase.strip():
            raise cursor.failure("a phrase that is not empty")
        cursor.advance()
        return syntax.SearchTerm(text) if phrase is None else syntax.SearchPhrase(phrase)

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > SEARCH_TERMS_MAX:
            raise self._cursor.failure_at(
                self._cursor.position,
                found=f"more than {SEARCH_TERMS_MAX} words and phrases",
                expected=f"at most {SEARCH_TERMS_MAX}",
            )


def _read_phrase(text: str) -> str:
    """Without its quotes; a backslash lets a quote or a backslash stand for itself."""
    return _ESCAPE.sub(r"\1", text[1:-1])
