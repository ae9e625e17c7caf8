"""The languages of pages: which one a reader wants, and the texts, which are all in `texts/`."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.datastructures import Headers

from topcoat.surfaces import answers

FOLDER: Final = Path(__file__).parent / "texts"
DEFAULT: Final = "en"


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    texts: Mapping[str, str]

    def say(self, key: str, **parts: Any) -> str:
        return self.texts[key].format(**parts)

    def count(self, key: str, number: int, **parts: Any) -> str:
        """Of the two forms `key.one` and `key.many` the one that goes with the number."""
        return self.say(f"{key}.{'one' if number == 1 else 'many'}", number=self.number(number), **parts)

    def number(self, number: int) -> str:
        return f"{number:,}".replace(",", self.texts["thousands"])

    def instant(self, instant: datetime) -> str:
        """To the second, in UTC; a script says it in the reader's own zone."""
        return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


@functools.cache
def known() -> Mapping[str, Language]:
    files = sorted(FOLDER.glob("*.json"))
    return {file.stem: Language(file.stem, orjson.loads(file.read_bytes())) for file in files}


def chosen(headers: Headers) -> Language:
    """The one that the reader wants most; regions do not matter."""
    wanted = answers.qualities(",".join(headers.getlist("accept-language")))
    for tag in sorted(wanted, key=lambda tag: -wanted[tag]):
        language = known().get(tag.partition("-")[0])
        if language is not None and wanted[tag] > 0:
            return language
    return known()[DEFAULT]
