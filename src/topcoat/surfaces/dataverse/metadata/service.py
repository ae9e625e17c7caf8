"""What the service says of itself: its sets, and who calls."""

import uuid
from typing import Final

from starlette.responses import Response

from topcoat.surfaces.dataverse.call import Call, json_answer
from topcoat.surfaces.dataverse.names import NAMESPACE

WHO_AM_I: Final = "WhoAmI"
WHO_AM_I_RESPONSE: Final = "WhoAmIResponse"
WHO_AM_I_IDS: Final = ("BusinessUnitId", "UserId", "OrganizationId")
_IDS: Final = uuid.UUID("4f0d7a3c-51b8-5e0a-8a4e-6c2f9d1b7e05")


def answer_document(call: Call) -> Response:
    sets = [{"name": t.entity_set, "kind": "EntitySet", "url": t.entity_set} for t in call.tables.tables]
    return json_answer({"@odata.context": f"{call.address}/$metadata", "value": sets})


def answer_who_am_i(call: Call) -> Response:
    """Ids that stay the same for an instance, and for a caller of it."""
    principal = call.principal
    parts = ("business unit", f"{principal.kind.value}/{principal.name}", "organization")
    ids = (str(uuid.uuid5(_IDS, f"{call.instance}/{part}")) for part in parts)
    context = f"{call.address}/$metadata#{NAMESPACE}.{WHO_AM_I_RESPONSE}"
    return json_answer({"@odata.context": context, **dict(zip(WHO_AM_I_IDS, ids, strict=True))})
