"""Environments apart from the service's own, for what others publish and it is judged by."""

import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from tests.contract.installation import PROJECT

_HERE = Path(__file__).parent


def python_of(name: str, cache: Path) -> Path:
    """The Python of the environment that `make test` made, else of one made in the cache, once for all workers."""
    made_by_make = PROJECT / f".venv-{name}"
    if _python(made_by_make).exists():
        return _python(made_by_make)
    with FileLock(cache / f"{name}.lock"):
        if not (cache / f"{name}.done").exists():
            _install(cache / name, _HERE / f"{name}-requirements.txt")
            (cache / f"{name}.done").touch()
    return _python(cache / name)


def _install(environment: Path, requirements: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
    pip = [str(_python(environment)), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*pip, "--requirement", str(requirements)], check=True)


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"
