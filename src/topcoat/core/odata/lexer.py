"""Query text as tokens, read one at a time so that the first fault in the text is the one reported."""

import enum
import re
from typing import Final

from topcoat.core import errors
from topcoat.core.catalog import shown

LENGTH_MAX: Final = 200_000
DEPTH_MAX: Final = 100

QUOTES: Final = "‘’′"
"""Taken for `'`, because the vendor publishes examples with them; a string ends with the kind it began with."""


class Kind(enum.Enum):
    STRING = "string"
    GUID = "guid"
    DATE_TIME = "date_time"
    DATE = "date"
    DECIMAL = "decimal"
    INTEGER = "integer"
    NAME = "name"
    ALIAS = "alias"
    OPTION = "option"
    SYMBOL = "symbol"
    PHRASE = "phrase"
    WORD = "word"
    END = "end"


_NAME: Final = r"[^\W\d]\w*+"
_EXPRESSION: Final = rf"""
    (?P<string>'[^']*+(?:''[^']*+)*+' | [{QUOTES}](?:[^{QUOTES}]++|([{QUOTES}])\2)*+[{QUOTES}])
    | (?P<guid>[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}(?![\w-]))
    | (?P<name>NAME)
    | (?P<date_time>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt][0-9:.]*+(?:[Zz]|[+-][0-9:]*+)?(?![\w.]))
    | (?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?![\w.-]))
    | (?P<decimal>-?[0-9]++(?:\.[0-9]++(?:[eE][+-]?[0-9]++)?|[eE][+-]?[0-9]++)(?![\w.-]))
    | (?P<integer>-?[0-9]++(?![\w.-]))
    | (?P<alias>@{_NAME})
    | (?P<option>\$[A-Za-z]++)
"""

EXPRESSION_TOKENS: Final = re.compile(
    rf"""[ \t]*+(?:
      {_EXPRESSION.replace("NAME", _NAME)}
    | (?P<symbol>[(),;=/*-])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)

DATAVERSE_TOKENS: Final = re.compile(
    rf"""[ \t]*+(?:
      {_EXPRESSION.replace("NAME", rf"{_NAME}(?:[.]{_NAME})*+")}
    | (?P<phrase>"(?:[^"\\]|\\.)*+")
    | (?P<symbol>[(),;=/*\[\]:-])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
"""Names may have dots, and lists of values are JSON."""

DEFINITION_TOKENS: Final = re.compile(
    rf"""[ \t]*+(?:
      (?:Microsoft[.]Dynamics[.]CRM[.]{_NAME}(?='))?+
      (?:{_EXPRESSION.replace("NAME", rf"{_NAME}(?:/{_NAME})?+")})
    | (?P<symbol>[(),;=/*-])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
"""Names may be paths, and strings may have the name of their enumeration before them."""

SEARCH_TOKENS: Final = re.compile(
    r"""\s*+(?:
      (?P<phrase>"(?:[^"\\]|\\.)*+")
    | (?P<word>[^\s()"]++)
    | (?P<symbol>[()])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)

_KINDS: Final = {kind.value: kind for kind in Kind}
_UNREADABLE: Final = re.compile("[\0\ud800-\udfff]")
_CHUNK: Final = re.compile(r"[ \t]*+([\w.:@$+-]++|.)", re.DOTALL)


class Cursor:
    """Stands on one token: its `kind`, its `text` (quotes included; empty at the end) and its `position`."""

    __slots__ = ("_depth", "_end", "_source", "_tokens", "kind", "option", "position", "text")

    kind: Kind
    text: str
    position: int

    def __init__(
        self, source: str, option: str, *, start: int = 0, tokens: re.Pattern[str] = EXPRESSION_TOKENS
    ) -> None:
        check_text(source, option)
        self.option = option
        self._source = source
        self._tokens = tokens
        self._end = start
        self._depth = 0
        self.advance()

    def advance(self) -> None:
        match = self._tokens.match(self._source, self._end)
        if match is None:
            raise self._unreadable()
        group = match.lastgroup or ""
        self.kind = _KINDS[group]
        self.text = match[group]
        self._end = match.end()
        self.position = self._end - len(self.text)

    def skip(self, symbol: str) -> bool:
        """Step over a symbol if it stands here."""
        if self.text != symbol:
            return False
        self.advance()
        return True

    def expect(self, symbol: str) -> None:
        if not self.skip(symbol):
            raise self.failure(f"'{symbol}'")

    def expect_end(self, expected: str) -> None:
        if self.kind is not Kind.END:
            raise self.failure(f"{expected} or the end")

    def descend(self, maximum: int = DEPTH_MAX) -> None:
        """Enter one level of nesting, so that parsers may call themselves."""
        self._depth += 1
        if self._depth > maximum:
            raise self.too_deep(maximum)

    def ascend(self) -> None:
        self._depth -= 1

    def failure(self, expected: str) -> errors.QuerySyntaxError:
        found = f"'{shown(self.text)}'" if self.text else "the end"
        return self.failure_at(self.position, found=found, expected=expected)

    def failure_at(self, position: int, *, found: str, expected: str) -> errors.QuerySyntaxError:
        return errors.QuerySyntaxError(option=self.option, position=position, found=found, expected=expected)

    def too_deep(self, maximum: int = DEPTH_MAX) -> errors.QuerySyntaxError:
        return self.failure_at(
            self.position, found=f"nesting deeper than {maximum} levels", expected=f"at most {maximum} levels"
        )

    def _unreadable(self) -> errors.QuerySyntaxError:
        chunk = _CHUNK.match(self._source, self._end)
        assert chunk is not None  # the end is a token, so there is at least one character
        found, expected = f"'{shown(chunk[1])}'", "a name, a literal or an operator"
        if chunk[1] == '"' and self._tokens is EXPRESSION_TOKENS:
            expected = "single quotes around a string"
        elif chunk[1] in ("'", '"', *QUOTES):
            found, expected = "a string that does not end", f"its closing {chunk[1]}"
        return self.failure_at(chunk.start(1), found=found, expected=expected)


def check_text(text: str, option: str) -> None:
    """Refuse what no database stores, and what is too long to read."""
    if len(text) > LENGTH_MAX:
        reason = f"has {len(text)} characters; at most {LENGTH_MAX} are read"
        raise errors.OptionInvalid(option=option, reason=reason)
    if text.isprintable():
        return
    unreadable = _UNREADABLE.search(text)
    if unreadable is not None:
        raise errors.QuerySyntaxError(
            option=option,
            position=unreadable.start(),
            found=f"the character U+{ord(unreadable[0]):04X}",
            expected="text without NUL characters and unpaired surrogates",
        )


def read_string(text: str) -> str:
    """The value of a string token: without its quotes, and doubled quotes once."""
    inner = text[1:-1]
    if text[0] == "'":
        return inner.replace("''", "'")
    for quote in QUOTES:
        inner = inner.replace(quote * 2, quote)
    return inner
