"""What differs between the services whose `$filter` is read: tokens, functions, date-times without an offset."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from topcoat.core.odata.lexer import DATAVERSE_TOKENS, DEFINITION_TOKENS, EXPRESSION_TOKENS
from topcoat.core.odata.syntax import Function


@dataclass(frozen=True, slots=True)
class Dialect:
    """`functions` are those of OData that may be called; `now` is there where the service has query functions."""

    tokens: re.Pattern[str] = EXPRESSION_TOKENS
    functions: frozenset[Function] = frozenset(Function)
    now: datetime | None = None

    @property
    def takes_local_instants(self) -> bool:
        """Without an offset a date-time is in UTC."""
        return self.now is not None


_OF_DATAVERSE: Final = frozenset({Function.CONTAINS, Function.STARTSWITH, Function.ENDSWITH})

CUSTOMER_INSIGHTS: Final = Dialect()
DEFINITIONS: Final = Dialect(DEFINITION_TOKENS, _OF_DATAVERSE)
"""Dataverse's own, where it describes tables."""


def dataverse(now: datetime) -> Dialect:
    return Dialect(DATAVERSE_TOKENS, _OF_DATAVERSE, now)
