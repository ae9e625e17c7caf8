"""How alike two texts are: one less the share of signs to insert, delete or replace, of the longer text.

That distance is Levenshtein's, which every engine has. Numbers and dates are compared as they are written.
"""

from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.core.unification import EXACT

# 80 % of five signs allow one other, also where 1 - 0.8 is a little less than 0.2.
_ROUNDING: Final = 1e-9


def are_alike(left: ir.StringValue, right: ir.StringValue, precision: float) -> ir.BooleanValue:
    """Null where either is null."""
    if precision == EXACT:
        return left == right
    return left.levenshtein(right) <= ibis.greatest(left.length(), right.length()) * _share(precision)


def sql(left: str, right: str, precision: float) -> str:
    """The same of two columns, in the words of SQL."""
    if precision == EXACT:
        return f"{left} = {right}"
    return f"levenshtein({left}, {right}) <= greatest(length({left}), length({right})) * {_share(precision):.9f}"


def _share(precision: float) -> float:
    """Of the longer text, what may differ."""
    return 1 - precision + _ROUNDING
