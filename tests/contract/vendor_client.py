"""Runs in the published client's own environment: one call a line on standard input, its outcome a line on output.

A call is `{"method", "arguments", "headers", "raw"}`, where an argument `{"$datetime": text}` becomes a datetime; an
outcome is `{"type", "value", "status", "headers"}` of what came back, or `{"raised", "status"}`.
"""

import datetime
import json
import sys
from typing import Any

from dynamics.customerinsights.api import CustomerInsights  # type: ignore[import-not-found]  # its own environment
from msrest.pipeline import ClientRawResponse  # type: ignore[import-not-found]
from msrest.serialization import Model  # type: ignore[import-not-found]


def main() -> None:
    client = CustomerInsights(base_url=sys.argv[1])
    for line in sys.stdin:
        sys.stdout.write(json.dumps(outcome(client, json.loads(line))) + "\n")
        sys.stdout.flush()


def outcome(client: Any, call: dict[str, Any]) -> dict[str, Any]:
    arguments = {name: argument(value) for name, value in call["arguments"].items()}
    operation = getattr(client, call["method"])
    try:
        returned = operation(custom_headers=call["headers"], raw=call["raw"], **arguments)
    except Exception as error:  # whatever the client raises is the outcome to report
        status = getattr(getattr(error, "response", None), "status_code", None)
        return {"raised": type(error).__name__, "status": status, "value": str(error)}
    if isinstance(returned, ClientRawResponse):
        response = returned.response
        return described(returned.output) | {"status": response.status_code, "headers": dict(response.headers)}
    return described(returned)


def argument(value: Any) -> Any:
    if isinstance(value, dict) and "$datetime" in value:
        return datetime.datetime.fromisoformat(value["$datetime"])
    return value


def described(value: Any) -> dict[str, Any]:
    return {"type": type(value).__name__, "value": plain(value)}


def plain(value: Any) -> Any:
    if isinstance(value, Model):
        return {name: plain(part) for name, part in vars(value).items()} | {"__type__": type(value).__name__}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value


if __name__ == "__main__":
    main()
