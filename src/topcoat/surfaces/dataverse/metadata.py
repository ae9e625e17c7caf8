"""What there is, for those who ask: the service document and WhoAmI; descriptions of tables come here."""

from collections.abc import Sequence

from starlette.responses import Response

from topcoat.surfaces.dataverse.call import Call, json_answer
from topcoat.surfaces.dataverse.resource import Segment


def is_about(segments: Sequence[Segment]) -> bool:
    return not segments


def answer(call: Call, _: Sequence[Segment]) -> Response:
    sets = [{"name": t.entity_set, "kind": "EntitySet", "url": t.entity_set} for t in call.tables.tables]
    return json_answer({"@odata.context": f"{call.address}/$metadata", "value": sets})
