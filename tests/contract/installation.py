"""Topcoat as its users run it: whole processes on a home folder and a database."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

import topcoat
from topcoat import sample

INSTANCE_ID = "c0ffee00-0000-4000-8000-000000000001"
PRIMARY_KEY = "topcoat-primary-key"
SAMPLE_SIZE = 30
COMMAND_SECONDS_MAX = 120
STOP_SECONDS_MAX = 40
READY_ATTEMPTS_MAX = 600
READY_PAUSE_SECONDS = 0.05

PROJECT = Path(__file__).parents[2]
_SOURCES = Path(topcoat.__file__).parents[1]
_LISTENING_ON = re.compile(r"http://127\.0\.0\.1:\d+")


def headers(role: str = "contributor") -> dict[str, str]:
    return {"Authorization": f"Bearer topcoat-{role}", "Ocp-Apim-Subscription-Key": PRIMARY_KEY}


@dataclass(frozen=True, slots=True)
class Server:
    """One `topcoat serve`, ready."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str

    @property
    def api(self) -> str:
        return f"{self.url}/api/instances/{INSTANCE_ID}"

    def client(self, role: str = "contributor") -> httpx.Client:
        return httpx.Client(base_url=self.api, headers=headers(role), trust_env=False, timeout=30)

    def set_clock(self, **request: object) -> None:
        answer = httpx.post(f"{self.url}/_topcoat/clock", json=request, headers=headers("administrator"))
        assert answer.status_code == 200, answer.text

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Ask, wait and return the exit code; one that was killed or stopped before stays so."""
        self.ask_to_stop()
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass(frozen=True, slots=True)
class Installation:
    """A home folder and a database; stops what it started."""

    home: Path
    database_url: str
    services: list[Server] = field(default_factory=list)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            _command(arguments),
            cwd=PROJECT,
            env=self._environment(variables),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )

    def do(self, *arguments: str) -> str:
        """Run a command that must succeed and return what it prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *arguments: str, log: Path, **variables: str) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(
                _command(arguments), cwd=PROJECT, env=self._environment(variables), stdout=output, stderr=output
            )

    def publish_sample(self, size: int) -> Path:
        """Publish the sample environment on a migrated database and return its environment file."""
        folder = self.home / "contoso"
        folder.mkdir(parents=True)
        environment = sample.write_sample(folder, size)
        self.do("migrate")
        self.do("refresh", str(environment))
        return environment

    def serve(self, *options: str, **variables: str) -> Server:
        """Start a service on a free port, unless the options name one, and wait until it is ready."""
        log = self.home / f"serve-{len(self.services)}.log"
        process = self.start("serve", "--port", "0", *options, log=log, **variables)
        service = Server(process, log, _wait_until_ready(process, log))
        self.services.append(service)
        return service

    def stop(self) -> None:
        for service in self.services:
            service.stop()

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        own = {
            "PYTHONPATH": str(_SOURCES),
            "TOPCOAT_HOME": str(self.home),
            "TOPCOAT_DATABASE_URL": self.database_url,
            "TOPCOAT_LOG_FORMAT": "json",
        }
        return {**os.environ, **own, **variables}


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "topcoat", *arguments]


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address, once the service says there that it is ready; bounded polling, as any supervisor does."""
    for _ in range(READY_ATTEMPTS_MAX):
        if process.poll() is not None:
            break
        announced = _LISTENING_ON.search(log.read_text())
        if announced is not None and _is_ready(announced[0]):
            return announced[0]
        time.sleep(READY_PAUSE_SECONDS)
    process.kill()
    process.wait()
    raise AssertionError(f"topcoat serve did not become ready:\n{log.read_text()}")


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
