"""The vendor's published client, at work in an environment of its own."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.contract.installation import INSTANCE_ID, headers

_SCRIPT = Path(__file__).parent / "vendor_client.py"
_ADDRESSING_NO_INSTANCE = ("get_all_instances", "create_an_instance", "copy_an_instance")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the client returned (`type`, `value`; with `raw=True` also `status` and `headers`) or raised."""

    type: str | None = None
    value: Any = None
    status: int | None = None
    headers: dict[str, str] | None = None
    raised: str | None = None


class PublishedClient:
    """One process of the client; a call names its method and arguments as the client's own documentation does."""

    def __init__(self, python: Path, service_url: str) -> None:
        self._process = subprocess.Popen(
            [str(python), "-I", "-W", "ignore", str(_SCRIPT), f"{service_url}/v1"],
            env=os.environ | {"NO_PROXY": "127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, method: str, *, sent: dict[str, str] | None = None, raw: bool = False, **arguments: Any) -> Outcome:
        """Call as Contributor on the sample instance unless `sent` headers say otherwise."""
        if method not in _ADDRESSING_NO_INSTANCE:
            arguments.setdefault("instance_id", INSTANCE_ID)
        call = {
            "method": method,
            "arguments": arguments,
            "headers": headers() if sent is None else sent,
            "raw": raw,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.communicate()
