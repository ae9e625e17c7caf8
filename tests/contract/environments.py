"""Environments apart from the service's own, for what others publish and it is judged by."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.contract.installation import PROJECT

_HERE = Path(__file__).parent
_NODE_PACKAGES = tuple(json.loads((_HERE / "package.json").read_text())["dependencies"])


def python_of_clients(cache: Path) -> Path:
    """The Python of the environment that `make test` made, else of one made in the cache, once for all workers."""
    made_by_make = PROJECT / ".venv-clients"
    if _python(made_by_make).exists():
        return _python(made_by_make)
    with FileLock(cache / "clients.lock"):
        if not (cache / "clients.done").exists():
            _install(cache / "clients")
            (cache / "clients.done").touch()
    return _python(cache / "clients")


def node_modules(cache: Path) -> Path:
    """The same for node; where there is none the test is skipped."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("NO NODE: what its packages show was not tried")
    made_by_make = PROJECT / ".node-clients" / "node_modules"
    if all((made_by_make / name).exists() for name in _NODE_PACKAGES):
        return made_by_make
    with FileLock(cache / "node.lock"):
        if not (cache / "node.done").exists():
            _install_for_node(cache / "node")
            (cache / "node.done").touch()
    return cache / "node" / "node_modules"


def _install(environment: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
    pip = [str(_python(environment)), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*pip, "--requirement", str(_HERE / "clients-requirements.txt")], check=True)


def _install_for_node(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    shutil.copy(_HERE / "package.json", folder)
    quietly = ["--no-package-lock", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(["npm", "install", "--prefix", str(folder), *quietly], check=True)


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"
