"""Limits to calls, as callers see them: `RateLimit` and `RateLimit-Policy` on every answer.

Both fields are those of the IETF's draft-ietf-httpapi-ratelimit-headers.
"""

import contextlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.limits import Standing, Unit
from topcoat.flows import Flows
from topcoat.flows.limits import Admission, Connection

_ADMISSION: Final = "topcoat.admission"


async def begin(request: Request, *, instance: str, principal: str, subscription_key: str) -> None:
    """Count a call whose caller is known; raise `LimitExceeded`."""
    flows: Flows = request.app.state.flows
    if not flows.limits.are_on:
        return
    connection = Connection(instance, principal, subscription_key)
    try:
        request.scope[_ADMISSION] = await flows.limits.begin(connection)
    except errors.LimitExceeded:
        request.scope[_ADMISSION] = Admission(
            connection, 0.0, flows.limits.list_standings(connection), is_running=False
        )
        raise


async def end(request: Request, response: Response | None) -> None:
    """Count what the call took, and tell the caller what is left; without a response there is nobody to tell."""
    admission: Admission | None = request.scope.get(_ADMISSION)
    if admission is None:
        return
    if response is not None:
        response.headers["RateLimit-Policy"] = ", ".join(map(_policy, admission.standings))
        response.headers["RateLimit"] = ", ".join(map(_standing, admission.standings))
    if admission.is_running:
        flows: Flows = request.app.state.flows
        with contextlib.suppress(errors.Unavailable):  # the answer is there, and worth more than its count
            await flows.limits.end(admission)


def _policy(standing: Standing) -> str:
    policy = standing.policy
    unit = "" if policy.unit is Unit.CALLS else f';qu="{policy.unit.value}"'
    window = "" if policy.unit is Unit.CONCURRENT_CALLS else f";w={int(standing.window.total_seconds())}"
    return f'"{policy.name}";q={policy.quota}{unit}{window}'


def _standing(standing: Standing) -> str:
    until = "" if standing.seconds_until_more is None else f";t={standing.seconds_until_more}"
    return f'"{standing.policy.name}";r={standing.left}{until}'
