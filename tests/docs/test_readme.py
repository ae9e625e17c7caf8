"""The README is true: its calls, run against a real demo, answer what it prints."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract import environments

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SHOWN_ADDRESS = "http://127.0.0.1:8300"
ADDRESS = re.compile(r"at (http://127\.0\.0\.1:\d+)")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running `topcoat demo`, which says it once it listens."""
    home = tmp_path_factory.mktemp("demo")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TOPCOAT_")} | {"TOPCOAT_HOME": str(home)}
    command = [sys.executable, "-m", "topcoat", "demo", "--port", "0"]
    with (
        (home / "log.txt").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        found = next(filter(None, map(ADDRESS.search, process.stdout)))
        transport = httpx.HTTPTransport(retries=5)
        with httpx.Client(transport=transport, trust_env=False) as client:
            assert client.get(f"{found[1]}/health/ready").status_code == 200
        yield found[1]
        process.terminate()


def test_the_calls_answer_what_the_readme_prints(demo: str) -> None:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("NO CURL: the README's calls were not tried")
    (session,) = blocks("console")
    lines = session.replace(SHOWN_ADDRESS, demo).splitlines()
    commands = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    expected = [line for line in lines if not line.startswith("$ ")]

    run = subprocess.run(["bash", "-eu"], input="\n".join(commands), capture_output=True, text=True, check=True)

    assert run.stdout.splitlines() == expected


def test_the_client_lines_publish_an_activity(demo: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    (script,) = blocks("python")

    python = environments.python_of_clients(tmp_path_factory.getbasetemp().parent)
    run = subprocess.run(
        [python, "-c", script.replace(SHOWN_ADDRESS, demo)], capture_output=True, text=True, check=False
    )

    assert run.stdout.startswith(f"{demo}/v1/instances/"), run.stderr
    assert "/data/UnifiedActivity('" in run.stdout


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target
