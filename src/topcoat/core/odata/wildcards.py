"""Patterns with wildcards, as Dataverse compares strings with: `%` any text, `_` one character, `[a-c]` one of these.

The case of letters does not count. A run between two `%` is taken where it first fits, so that no pattern takes longer
than its length times the text's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WILDCARDS: Final = frozenset("%_[")
_PART: Final = re.compile(r"\[(\^?)([^\]]+)\]|(.)", re.DOTALL)
_OF_SET: Final = re.compile(r"(.)-(.)|(.)", re.DOTALL)


def has_wildcard(text: str) -> bool:
    return not WILDCARDS.isdisjoint(text)


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text is as the pattern says."""
    first, *others = [_Run(re.compile("".join(run), re.DOTALL), len(run)) for run in _split(pattern.lower())]

    def matches(text: str) -> bool:
        text = text.lower()
        if not others:
            return first.expression.fullmatch(text) is not None
        found = first.expression.match(text)
        for run in others[:-1]:
            found = found and run.expression.search(text, found.end())
        return found is not None and others[-1].ends(text, found.end())

    return matches


def ascii_pattern(pattern: str) -> str | None:
    r"""What a database that knows the case of ASCII alone may be asked for instead, `\` before each `\`.

    It has every match, and more: whatever lies beyond ASCII may be any text. Two characters become ASCII as they lose
    their case: the Kelvin sign is a `k`, and the dotted capital I an `i` with a dot behind it. None for sets.
    """
    text = pattern.lower()
    if "[" in text:
        return None
    return "".join(map(_ascii_part, text, [*text[1:], ""]))


def _ascii_part(character: str, following: str) -> str:
    if character in "%_" or not character.isascii():
        return "%"
    if character == "k" or (character == "i" and following in ("%", "_", "\u0307")):
        return "_"
    return "\\\\" if character == "\\" else character


def list_literals(pattern: str) -> list[str]:
    """Texts, in lower case, that every text has in it which is as the pattern says, once it is in lower case too."""
    texts = [""]
    for part in _PART.finditer(pattern.lower()):
        if part[3] is None or part[3] in "%_":
            texts.append("")
        else:
            texts[-1] += part[3]
    return [text for text in texts if text]


@dataclass(frozen=True, slots=True)
class _Run:
    """What stands between two `%`: each part is one character."""

    expression: re.Pattern[str]
    width: int

    def ends(self, text: str, start: int) -> bool:
        place = len(text) - self.width
        return place >= start and self.expression.fullmatch(text, place) is not None


def _split(pattern: str) -> list[list[str]]:
    """The runs between the `%`, each as the expressions of its characters."""
    runs: list[list[str]] = [[]]
    for part in _PART.finditer(pattern):
        if part[0] == "%":
            runs.append([])
        else:
            runs[-1].append(_character(part))
    return runs


def _character(part: re.Match[str]) -> str:
    if part[0] == "_":
        return "."
    if part[3] is not None:
        return re.escape(part[3])
    return f"[{part[1]}{''.join(map(_of_set, _OF_SET.finditer(part[2])))}]"


def _of_set(part: re.Match[str]) -> str:
    """A dash between two characters is a range, if they are in order."""
    if part[3] is not None or part[1] > part[2]:
        return re.escape(part[0])
    return f"{re.escape(part[1])}-{re.escape(part[2])}"
