"""The `Prefer` header: what callers would like, in one header or several."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PAGE_MAX: Final = 5000
FORMATTED_VALUE: Final = "OData.Community.Display.V1.FormattedValue"

_PREFERENCE: Final = re.compile(r'\s*([\w.-]+)\s*(?:=\s*("[^"]*"|[^,;]*))?\s*(?:;[^,]*)?(?:,|\Z)')


@dataclass(frozen=True, slots=True)
class Preferences:
    """`annotations` are patterns of names; `page_size` is at most 5,000."""

    page_size: int = PAGE_MAX
    annotations: tuple[str, ...] = ()
    returns_representation: bool = False
    continues_on_error: bool = False
    applied: tuple[str, ...] = ()

    def includes(self, annotation: str) -> bool:
        """A name, or a namespace with a star for all of it; a minus before one rules it out."""
        given = [pattern for pattern in self.annotations if _covers(pattern.lstrip("-"), annotation)]
        return bool(given) and not any(pattern.startswith("-") for pattern in given)


def read_preferences(headers: Sequence[str]) -> Preferences:
    """What is not known, or not well formed, counts as not sent (RFC 7240)."""
    asked: dict[str, str] = {}
    for header in headers:
        for name, value in _PREFERENCE.findall(header):
            asked.setdefault(name.lower(), value.strip().strip('"'))
    size = _read_size(asked.get("odata.maxpagesize", ""))
    annotations = tuple(part.strip() for part in asked.get("odata.include-annotations", "").split(",") if part.strip())
    applied = []
    if size is not None:
        applied.append(f"odata.maxpagesize={size}")
    if annotations:
        applied.append(f'odata.include-annotations="{",".join(annotations)}"')
    return Preferences(
        size or PAGE_MAX,
        annotations,
        returns_representation=asked.get("return") == "representation",
        continues_on_error=asked.get("odata.continue-on-error", "false") in ("", "true"),
        applied=tuple(applied),
    )


def _read_size(text: str) -> int | None:
    """A larger page than there is counts as none."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return int(text) if 1 <= int(text) <= PAGE_MAX else None


def _covers(pattern: str, annotation: str) -> bool:
    return pattern in ("*", annotation) or (pattern.endswith(".*") and annotation.startswith(pattern[:-1]))
