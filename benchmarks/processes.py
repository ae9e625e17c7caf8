"""Commands and servers as processes of their own, and the memory that they took."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_TIMEOUT_SECONDS = 300.0
STOP_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.05
SHOWN_LOG_BYTES = 4000

PROJECT = Path(__file__).resolve().parent.parent


class ProcessFailed(Exception):
    """A process ended, or did not answer, before it had done its part."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command took; the database server's own memory is not in it."""

    seconds: float
    peak_memory_mb: float | None
    output: str


@dataclass(frozen=True, slots=True)
class Server:
    address: str
    pid: int

    def peak_memory_mb(self) -> float | None:
        return peak_memory_mb(self.pid)


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> Finished:
    """Run to the end; raise `ProcessFailed` with its last words unless it succeeds."""
    peak: float | None = None
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = _start(command, environment, log.fileno())
        try:
            while process.poll() is None:
                peak = max(peak or 0.0, peak_memory_mb(process.pid) or 0.0) or None
                time.sleep(POLL_SECONDS)
        finally:
            _stop(process)
        seconds = time.perf_counter() - started
        output = _last_words(log.fileno())
    if process.returncode != 0:
        raise ProcessFailed(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Finished(seconds, peak, output)


@contextmanager
def running_server(
    command: Sequence[str], environment: Mapping[str, str], *, port: int, ready_path: str
) -> Iterator[Server]:
    """Start a server, wait until `ready_path` answers 200, and stop it in the end."""
    with tempfile.TemporaryFile() as log:
        process = _start(command, environment, log.fileno())
        try:
            server = Server(f"http://127.0.0.1:{port}", process.pid)
            _wait_until_ready(process, server.address + ready_path, log.fileno())
            yield server
        finally:
            _stop(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def peak_memory_mb(pid: int) -> float | None:
    """The most resident memory the process ever had; None where the system does not say (no /proc)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)


def _start(command: Sequence[str], environment: Mapping[str, str], log: int) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TOPCOAT_")}
    paths = [str(PROJECT / "src"), str(PROJECT), inherited.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**inherited, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **environment},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: int) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ProcessFailed(f"the server ended with {process.returncode}:\n{_last_words(log)}")
        try:
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # It does not listen yet.
        time.sleep(POLL_SECONDS)
    raise ProcessFailed(f"{url} did not answer 200 in {READY_TIMEOUT_SECONDS:.0f} s:\n{_last_words(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_words(log: int) -> str:
    size = os.fstat(log).st_size
    return os.pread(log, SHOWN_LOG_BYTES, max(0, size - SHOWN_LOG_BYTES)).decode(errors="replace").strip()
