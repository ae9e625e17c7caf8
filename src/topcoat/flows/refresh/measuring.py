"""How long a task took, and the most memory that the process had meanwhile."""

import resource
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from topcoat.clock import Clock
from topcoat.flows.refresh.report import TaskFigures

_PEAK_RESET: Final = Path("/proc/self/clear_refs")
_PEAK: Final = Path("/proc/self/status")
_RESET_PEAK: Final = "5"  # what Linux takes for it, see proc_pid_clear_refs(5)


@contextmanager
def measured(figures: MutableMapping[str, TaskFigures], task: str, clock: Clock) -> Iterator[None]:
    """Figures of a task that failed are kept as well.

    Where the system cannot count memory anew, as macOS cannot, the peak is that since the process began.
    """
    is_reset = _reset_peak()
    began = clock.monotonic_seconds()
    try:
        yield
    finally:
        seconds = clock.monotonic_seconds() - began
        figures[task] = TaskFigures(round(seconds, 3), _peak_since_reset() if is_reset else _peak_since_start())


def _reset_peak() -> bool:
    try:
        _PEAK_RESET.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def _peak_since_reset() -> int:
    for line in _PEAK.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    return _peak_since_start()


def _peak_since_start() -> int:
    """Linux says it in kilobytes, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
