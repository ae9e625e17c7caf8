"""Where a refresh works, and within which limits; the composition root says it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEMORY_MAX: Final = "2GB"
THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Workspace:
    """`folder` holds, for each instance, what its refreshes read before; nothing in it is needed but for speed.

    Without a folder nothing is kept.
    """

    folder: Path | None = None
    memory_max: str = MEMORY_MAX
    threads: int = THREADS


NOTHING_KEPT: Final = Workspace()
