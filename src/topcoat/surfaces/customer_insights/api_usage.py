"""How an instance's API was used: an extension, for its administrators."""

from datetime import datetime
from typing import Any, Final

from pydantic.alias_generators import to_camel
from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.usage import Dimension, UsageRow
from topcoat.surfaces.customer_insights import parameters, payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, parameter

_DIMENSIONS: Final = {to_camel(dimension.value): dimension for dimension in Dimension}
_EXPECTED: Final = f"some of {', '.join(_DIMENSIONS)}, each once, with commas between them"

Items = list[tuple[str, str]]


async def read_usage(call: Call) -> Response:
    items = parameters.list_items(call.request.scope)
    names = _group_by(items)
    report = await call.flows.usage.report(
        call.instance,
        since=_instant(items, "from"),
        until=_instant(items, "to"),
        dimensions=[_DIMENSIONS[name] for name in names],
    )
    answer = payloads.ApiUsage(
        from_=report.since,
        to=report.until,
        group_by=names,
        total=payloads.ApiUsageFigures(**_figures(report.total)),
        value=[payloads.ApiUsageRow(**_parts(names, row), **_figures(row)) for row in report.rows],
        has_more=report.has_more,
    )
    return payloads.wire_answer(answer)


def _group_by(items: Items) -> list[str]:
    text = parameters.find_text(items, "groupBy")
    names = ["operation"] if text is None else [name.strip() for name in text.split(",")]
    if len(set(names)) < len(names) or not set(names) <= set(_DIMENSIONS):
        raise errors.ParameterInvalid(parameter="groupBy", found=f"'{catalog.shown(text or '')}'", expected=_EXPECTED)
    return names


def _instant(items: Items, name: str) -> datetime | None:
    text = parameters.find_text(items, name)
    try:
        return None if text is None else catalog.parse_instant(text.strip())
    except ValueError:
        expected = "an RFC 3339 date-time such as 2026-11-24T18:00:00Z"
        raise errors.ParameterInvalid(
            parameter=name, found=f"'{catalog.shown(text or '')}'", expected=expected
        ) from None


def _figures(row: UsageRow) -> dict[str, Any]:
    mean_ms = row.microseconds / row.calls / 1000 if row.calls else 0.0
    return {
        "calls": row.calls,
        "bytes_in": row.received_bytes,
        "bytes_out": row.sent_bytes,
        "mean_duration_ms": round(mean_ms, 3),
    }


def _parts(names: list[str], row: UsageRow) -> dict[str, Any]:
    parts = dict(zip(names, row.parts, strict=True))
    if "result" in parts:
        parts["result"] = f"{parts['result']}xx"
    return parts


OPERATIONS: Final = (
    Operation(
        id="Get-API-usage",
        method="GET",
        paths=("/{instanceId}/manage/apiusage",),
        answer=read_usage,
        summary="Tell how the API was used (extension)",
        responses=answers_with(200, payloads.ApiUsage, "Calls by the hour, in groups, the most frequent first."),
        documentation={
            "parameters": [
                parameter("from", "Start of the time frame; by default 24 hours before its end.", format="date-time"),
                parameter("to", "End of the time frame, at most 30 days after its start; now.", format="date-time"),
                parameter("groupBy", f"By what: {_EXPECTED}; by default operation."),
            ]
        },
    ),
)
