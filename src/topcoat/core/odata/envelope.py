"""Records in OData's envelopes."""

from collections.abc import Mapping, Sequence
from typing import Any


def list_envelope(
    context: str,
    records: Sequence[Mapping[str, Any]],
    count: int | None = None,
    next_link: str | None = None,
) -> dict[str, Any]:
    """A count or link that there is none of is left out, as OData says, rather than null."""
    envelope: dict[str, Any] = {"@odata.context": context}
    if count is not None:
        envelope["@odata.count"] = count
    envelope["value"] = records
    if next_link is not None:
        envelope["@odata.nextLink"] = next_link
    return envelope


def record_envelope(context: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The bare record, its context first."""
    return {"@odata.context": context, **record}
