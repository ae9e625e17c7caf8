"""What was pulled from each file, kept beside the engine, so that a file that did not change is not read again."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from pydantic import TypeAdapter, ValidationError

from topcoat.core.catalog import Table

_FOLDER: Final = "pulled"
_NOTES: Final = "notes.json"
_VERSION: Final = 1  # of what is kept; another does not know what to make of it
_UNFINISHED: Final = ".unfinished"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file system says of a file; while it says the same, so do the contents."""

    size_bytes: int
    modified_at_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self:
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of rows in the folder."""

    file: str
    stamp: Stamp
    rows: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class PulledFile:
    """`digest` is of the contents, `schema` the types of its columns, where files have such."""

    name: str
    stamp: Stamp
    digest: str
    kept: Kept
    schema: dict[str, str]


@dataclass(frozen=True, slots=True)
class Notes:
    """What was pulled last; `repeated` are rows whose primary key an earlier one had, of all files together."""

    definition: str
    files: tuple[PulledFile, ...] = ()
    repeated: Kept | None = None

    @property
    def digest(self) -> str:
        """Of the definition and of all contents."""
        return _digest_of(self.definition, *(part for file in self.files for part in (file.name, file.digest)))


_AS_JSON: Final = TypeAdapter(Notes)


class Cache:
    """Of one table. Whatever is missing in it, or is not as it was left, counts as never pulled."""

    def __init__(self, folder: Path, table: Table) -> None:
        self._folder = folder / _FOLDER / table.name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._definition = _definition(table)
        self.earlier = self._read_notes()
        self._files = {file.name: file for file in self.earlier.files}

    def path(self, kept: Kept) -> Path:
        return self._folder / kept.file

    def find_file(self, name: str) -> PulledFile | None:
        """As it was pulled last, by whatever definition."""
        return self._files.get(name)

    def find_pulled(self, name: str, path: Path, stamp: Stamp) -> tuple[str, PulledFile | None]:
        """The digest of the contents, and what was pulled from the same; raise `OSError` as reading does."""
        earlier = self._files.get(name)
        digest = earlier.digest if earlier is not None and earlier.stamp == stamp else content_digest(path)
        if earlier is None or earlier.digest != digest or not self._is_usable(earlier.kept):
            return digest, None
        return digest, replace(earlier, stamp=stamp)

    def find_repeated(self, files: Sequence[PulledFile]) -> Kept | None:
        """Those of the same files, if they were kept."""
        same = replace(self.earlier, files=tuple(files)).digest == self.earlier.digest
        repeated = self.earlier.repeated
        return repeated if same and repeated is not None and self._is_usable(repeated) else None

    def keep(self, parts: Sequence[str], write: Callable[[Path], tuple[int, int]]) -> Kept:
        """Have a file written that `parts` tell from others, and in place only when it is whole.

        `write` returns how many rows it wrote, and how many of them are in quarantine.
        """
        name = f"{_digest_of(self._definition, *parts)}.parquet"
        unfinished = self._folder / f"{name}{_UNFINISHED}"
        rows, quarantined = write(unfinished)
        unfinished.replace(self._folder / name)
        return Kept(name, Stamp.of(self._folder / name), rows, quarantined)

    def remember(self, files: Sequence[PulledFile], repeated: Kept) -> Notes:
        """From now on this is what was pulled last, and whatever else the folder holds is removed."""
        notes = Notes(self._definition, tuple(files), repeated)
        unfinished = self._folder / f"{_NOTES}{_UNFINISHED}"
        unfinished.write_bytes(_AS_JSON.dump_json(notes))
        unfinished.replace(self._folder / _NOTES)
        self._remove_others({_NOTES, repeated.file, *(file.kept.file for file in files)})
        return notes

    def _read_notes(self) -> Notes:
        try:
            return _AS_JSON.validate_json((self._folder / _NOTES).read_bytes())
        except (OSError, ValidationError):
            return Notes(self._definition)

    def _is_usable(self, kept: Kept) -> bool:
        if self.earlier.definition != self._definition:
            return False
        try:
            return Stamp.of(self.path(kept)) == kept.stamp
        except OSError:
            return False

    def _remove_others(self, names: set[str]) -> None:
        for path in self._folder.iterdir():
            if path.name not in names:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def content_digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _definition(table: Table) -> str:
    """Whatever decides what the rows of a file become."""
    zone = None if table.activity is None else table.activity.time_zone
    columns = (f"{column.name}: {column.type.value}" for column in table.columns)
    return _digest_of(str(_VERSION), table.name, table.primary_key, str(zone), *columns)


def _digest_of(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
