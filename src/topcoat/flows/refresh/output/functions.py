"""Functions that the engine's backend has and Ibis does not name."""

from collections.abc import Callable
from typing import Any, Final

import ibis


def _builtin(name: str, taken: str, given: str) -> Callable[[Any], Any]:
    def declared(value):  # type: ignore[no-untyped-def]  # the signature is that of `taken` and `given`
        """The backend has its body."""

    declared.__name__ = name
    function: Callable[[Any], Any] = ibis.udf.scalar.builtin(declared, signature=((taken,), given))
    return function


to_json: Final = _builtin("to_json", "string", "string")
character: Final = _builtin("chr", "int64", "string")
sha1: Final = _builtin("sha1", "binary", "string")
unhex: Final = _builtin("unhex", "string", "binary")
hexadecimal: Final = _builtin("hex", "string", "string")
microseconds: Final = _builtin("epoch_us", "timestamp", "int64")
variable: Final = _builtin("getvariable", "string", "int64")  # of the connection, set by SET VARIABLE
