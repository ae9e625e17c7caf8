"""Whole lines of a UTF-8 file, in chunks, so that a file of any size takes little memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from topcoat.core import errors

CHUNK_BYTES: Final = 512 * 1024
LINE_BYTES_MAX: Final = 16 * 1024 * 1024

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines; `first_line` is the number of the first."""

    content: bytes
    first_line: int


def read_chunks(file: Path, advance: Advance) -> Iterator[Chunk]:
    """Yield the file's lines in chunks and tell `advance` how many bytes each read took.

    Raise `SourceInvalid` for a file that cannot be read and for a line that never ends.
    """
    try:
        with file.open("rb") as opened:
            yield from _chunks(file, opened, advance)
    except OSError as error:
        reason = f"the file cannot be read ({error.strerror or error})"
        raise errors.SourceInvalid(file=file, line=1, reason=reason) from None


def read_lines(file: Path, advance: Advance) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the content of each line that is not blank; raise as `read_chunks`."""
    for chunk in read_chunks(file, advance):
        for line, content in enumerate(chunk.content.split(b"\n"), chunk.first_line):
            if content and not content.isspace():
                yield line, content


def decode(file: Path, chunk: Chunk) -> str:
    """The chunk's text; the lines are counted by hand, so that a broken one is named exactly."""
    try:
        text = chunk.content.decode()
    except UnicodeDecodeError as error:
        line = chunk.first_line + chunk.content.count(b"\n", 0, error.start)
        raise errors.SourceInvalid(file=file, line=line, reason="the text is not UTF-8") from None
    if "\0" in text:
        line = chunk.first_line + text.count("\n", 0, text.index("\0"))
        raise errors.SourceInvalid(file=file, line=line, reason="the text holds the control character U+0000")
    return text


def _chunks(file: Path, opened: BinaryIO, advance: Advance) -> Iterator[Chunk]:
    line = 1
    unfinished = b""
    for content in _reads(opened, advance):
        end = content.rfind(b"\n") + 1
        if not end:
            unfinished = _lengthened(file, line, unfinished, content)
            continue
        whole = unfinished + content[:end]
        yield Chunk(whole, line)
        line += whole.count(b"\n")
        unfinished = content[end:]
    if unfinished:
        yield Chunk(unfinished, line)


def _reads(opened: BinaryIO, advance: Advance) -> Iterator[bytes]:
    content = opened.read(CHUNK_BYTES)
    advance(len(content))
    yield content.removeprefix(_BYTE_ORDER_MARK)
    while content := opened.read(CHUNK_BYTES):
        advance(len(content))
        yield content


def _lengthened(file: Path, line: int, unfinished: bytes, content: bytes) -> bytes:
    longer = unfinished + content
    if len(longer) > LINE_BYTES_MAX:
        reason = f"the line is longer than the limit of {LINE_BYTES_MAX} bytes"
        raise errors.SourceInvalid(file=file, line=line, reason=reason)
    return longer
