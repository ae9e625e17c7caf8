"""A real-time call as others would send it: by `curl`, and by the vendor's client for Python."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from topcoat.core.catalog import Document

KEY_HEADER: Final = "Ocp-Apim-Subscription-Key"


@dataclass(frozen=True, slots=True)
class RealTimeCall:
    """A PATCH of one record, or without `record_id` a POST; `valid_until` and `caller` as they were typed."""

    table: str
    record_id: str | None
    body: Document
    valid_until: str
    caller: str

    @property
    def text(self) -> str:
        """The body in ASCII, so that no terminal takes anything in it for more than text."""
        return json.dumps(self.body)

    @property
    def options(self) -> dict[str, str]:
        named = {"validUntil": self.valid_until, "caller": self.caller}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Credentials:
    """None where they are the caller's own, who has them in `TOKEN` and `KEY`."""

    token: str | None
    key: str | None


def curl_line(origin: str, instance: str, call: RealTimeCall, credentials: Credentials) -> str:
    """For a POSIX shell, on one line."""
    record = "" if call.record_id is None else f"/{quote(call.record_id, safe='')}"
    query = f"?{urlencode(call.options, quote_via=quote)}" if call.options else ""
    address = f"{origin}/api/instances/{instance}/data/{quote(call.table, safe='')}{record}{query}"
    parts = [
        "curl -X",
        "POST" if call.record_id is None else "PATCH",
        "-H",
        _shell_header("Authorization", "Bearer ", credentials.token, "TOKEN"),
        "-H",
        _shell_header(KEY_HEADER, "", credentials.key, "KEY"),
        "-H",
        shlex.quote("Content-Type: application/json"),
        "--data-raw",
        shlex.quote(call.text),
        shlex.quote(address),
    ]
    return " ".join(parts)


def python_lines(origin: str, instance: str, call: RealTimeCall, credentials: Credentials) -> str:
    """For `customerinsights`, as the vendor publishes it."""
    is_own = credentials.token is None or credentials.key is None
    named = {"body": f"json.dumps({_literal(call.body)})", "custom_headers": "headers"}
    options = {"valid_until": call.valid_until, "caller": call.caller}
    named |= {name: _literal(value) for name, value in options.items() if value}
    address = [instance, call.table, *([] if call.record_id is None else [call.record_id])]
    arguments = [*map(_literal, address), *(f"{name}={value}" for name, value in named.items())]
    lines = [
        "import json",
        *(["import os"] if is_own else []),
        "from dynamics.customerinsights.api import CustomerInsights",
        "",
        f"client = CustomerInsights(base_url={_literal(f'{origin}/v1')})",
        "headers = {",
        f"    'Authorization': {_python_header('Bearer ', credentials.token, 'TOKEN')},",
        f"    {_literal(KEY_HEADER)}: {_python_header('', credentials.key, 'KEY')},",
        "}",
        f"client.{'create' if call.record_id is None else 'update'}_an_entity(",
        *(f"    {argument}," for argument in arguments),
        ")",
    ]
    return "\n".join(lines)


def _shell_header(name: str, prefix: str, value: str | None, variable: str) -> str:
    if value is None:
        return f'"{name}: {prefix}${variable}"'
    return shlex.quote(f"{name}: {prefix}{value}")


def _python_header(prefix: str, value: str | None, variable: str) -> str:
    if value is not None:
        return _literal(prefix + value)
    own = f"os.environ[{_literal(variable)}]"
    return f"{_literal(prefix)} + {own}" if prefix else own


def _literal(value: str | Mapping[str, object]) -> str:
    return ascii(value)
