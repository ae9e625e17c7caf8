"""The words of a text, by which the index finds records; the index may find too many, and the core decides."""

import re
from collections.abc import Iterable
from typing import Final

from topcoat.core.catalog import Document

TOKEN_LENGTH_MAX: Final = 64
_RUN: Final = re.compile(r"[^\W_]+")


def tokens_of(text: str) -> list[str]:
    """The longest runs of letters and digits (`str.isalnum`) of the casefolded text, in their order."""
    return _RUN.findall(text.casefold())


def indexed_token(token: str) -> str:
    """What the index keeps of a token, and must be asked for: databases bound the length of an index entry."""
    return token[:TOKEN_LENGTH_MAX]


def document_tokens(document: Document, columns: Iterable[str]) -> list[str]:
    """The tokens that the index keeps of the strings in some columns, sorted and distinct."""
    texts = (document.get(name) for name in columns)
    return sorted({indexed_token(token) for text in texts if isinstance(text, str) for token in tokens_of(text)})
