"""A query function as it is written: `(PropertyName='a',PropertyValues=["1","2"])` behind its name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from topcoat.core.odata import query_functions, syntax
from topcoat.core.odata.lexer import DATAVERSE_TOKENS, LENGTH_MAX, Cursor, Kind, read_string
from topcoat.core.odata.syntax import Column, Expression, Literal

VALUES_MAX: Final = 10_000

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class QueryFunctionReader:
    """`aliases` may stand for the name and for the values; `read_literal` gives None where no literal stands."""

    aliases: Mapping[str, str]
    now: datetime
    read_literal: Callable[[Cursor], Literal | None]

    def read(self, cursor: Cursor, name: str, position: int) -> Expression:
        cursor.expect("(")
        column = Column(self._named(cursor, "PropertyName", _read_column), position)
        values = self._read_values(cursor) if cursor.skip(",") else []
        cursor.expect(")")
        function = name.removeprefix(query_functions.NAMESPACE)
        condition = query_functions.find_condition(function, column, values, now=self.now)
        if condition is None:
            expected = f"one of {', '.join(query_functions.list_functions())}, with values that fit it"
            found = f"the function '{name}' with {len(values)} values"
            raise cursor.failure_at(position, found=found, expected=expected)
        return condition

    def _read_values(self, cursor: Cursor) -> list[Literal]:
        if cursor.text == "PropertyValue":
            return [self._named(cursor, "PropertyValue", self._read_value)]
        return self._named(cursor, "PropertyValues", self._read_list)

    def _named(self, cursor: Cursor, name: str, read: Callable[[Cursor], _Read]) -> _Read:
        """What stands behind a name, or in the alias that stands there."""
        if cursor.text != name:
            raise cursor.failure(f"'{name}'")
        cursor.advance()
        cursor.expect("=")
        if cursor.kind is not Kind.ALIAS:
            return read(cursor)
        text = self.aliases.get(cursor.text)
        if text is None or len(text) > LENGTH_MAX:
            raise cursor.failure(f"a value for '{cursor.text}' among the options")
        inner = Cursor(text, cursor.text, tokens=DATAVERSE_TOKENS)
        value = read(inner)
        inner.expect_end("nothing more")
        cursor.advance()
        return value

    def _read_list(self, cursor: Cursor) -> list[Literal]:
        cursor.expect("[")
        values: list[Literal] = []
        while not values or cursor.skip(","):
            if len(values) == VALUES_MAX:
                raise cursor.failure(f"at most {VALUES_MAX} values")
            values.append(self._read_value(cursor))
        cursor.expect("]")
        return values

    def _read_value(self, cursor: Cursor) -> Literal:
        """A literal, or a JSON string, which every client sends whatever the column's type is."""
        if cursor.kind is Kind.PHRASE:
            return _read_json(cursor)
        literal = self.read_literal(cursor)
        if literal is None:
            raise cursor.failure("a value")
        return literal


def _read_column(cursor: Cursor) -> str:
    if cursor.kind is not Kind.STRING:
        raise cursor.failure("the name of a column in quotes")
    name = read_string(cursor.text)
    cursor.advance()
    return name


def _read_json(cursor: Cursor) -> Literal:
    try:
        text = json.loads(cursor.text)
        text.encode()
    except ValueError:
        raise cursor.failure("a JSON string") from None
    cursor.advance()
    return syntax.String(text)
