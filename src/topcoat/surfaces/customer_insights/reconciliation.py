"""What a refresh made of changes and activities (S9): an extension to the vendor's API."""

import enum
from typing import Any, Final, TypeVar

from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.overlay.reconciliation import Kind, Outcome, Reconciled
from topcoat.flows.reconciliation import Asked
from topcoat.surfaces.customer_insights import parameters, payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, parameter

TOP_DEFAULT: Final = 100
TOP_MAX: Final = 1_000
_GENERATION_MAX: Final = 2**53
_SKIPTOKEN: Final = "$skiptoken"

Choice = TypeVar("Choice", bound=enum.Enum)


async def list_reconciled(call: Call) -> Response:
    items = parameters.list_items(call.request.scope)
    asked = Asked(
        generation=parameters.find_integer(items, "generation", most=_GENERATION_MAX),
        kind=_choice(items, "kind", Kind),
        outcome=_choice(items, "outcome", Outcome),
        top=parameters.find_integer(items, "$top", most=TOP_MAX) or TOP_DEFAULT,
        skiptoken=parameters.find_text(items, _SKIPTOKEN),
    )
    page = await call.flows.reconciliation.list_reconciled(call.instance, asked)
    answer = payloads.Reconciliation(
        generation=page.generation,
        judged_at=None if page.judged is None else page.judged.at,
        outcomes={} if page.judged is None else page.judged.outcomes,
        value=[_row(row) for row in page.rows],
        next_link=None if page.next_token is None else _next_link(call, page.next_token),
    )
    return payloads.wire_answer(answer)


def _choice(items: list[tuple[str, str]], name: str, choices: type[Choice]) -> Choice | None:
    text = parameters.find_text(items, name)
    if text is None:
        return None
    try:
        return choices(text)
    except ValueError:
        expected = f"one of {', '.join(choice.value for choice in choices)}"
        raise errors.ParameterInvalid(parameter=name, found=f"'{catalog.shown(text)}'", expected=expected) from None


def _next_link(call: Call, token: str) -> str:
    return str(call.request.url.include_query_params(**{_SKIPTOKEN: token}))


def _row(row: Reconciled) -> payloads.ReconciledRow:
    return payloads.ReconciledRow(
        kind=Kind.CHANGE.value if row.activity_id is None else Kind.ACTIVITY.value,
        outcome=row.outcome.value,
        customer_id=row.customer_id,
        sequence=row.sequence,
        column_name=row.column,
        activity_id=row.activity_id,
        caller=row.caller,
        recorded_at=row.recorded_at,
        valid_until=row.valid_until,
    )


def _parameters() -> list[dict[str, Any]]:
    return [
        parameter("generation", "The number of a generation that is kept; the active one.", type="integer", minimum=1),
        parameter("kind", "Changes or activities alone.", enum=[kind.value for kind in Kind]),
        parameter("outcome", "One outcome alone.", enum=[outcome.value for outcome in Outcome]),
        parameter("$top", f"How many; {TOP_DEFAULT} by default.", type="integer", minimum=1, maximum=TOP_MAX),
        parameter(_SKIPTOKEN, "From an answer's `nextLink`."),
    ]


OPERATIONS: Final = (
    Operation(
        id="List-reconciliation",
        method="GET",
        paths=("/{instanceId}/reconciliation",),
        answer=list_reconciled,
        summary="List what a refresh made of changes and activities (extension)",
        responses=answers_with(200, payloads.Reconciliation, "By the id that a call named, then by sequence.")
        | answers_with(400, payloads.ApiErrorResult, "A parameter is not what it has to be."),
        documentation={"parameters": _parameters()},
    ),
)
