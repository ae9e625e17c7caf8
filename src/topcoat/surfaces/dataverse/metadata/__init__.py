"""What there is, for those who ask: the service, its tables, their columns, keys and relationships."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, assert_never

from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces.dataverse import questions
from topcoat.surfaces.dataverse.call import Call, json_answer
from topcoat.surfaces.dataverse.metadata import addressing, changes, csdl, querying, service
from topcoat.surfaces.dataverse.metadata.addressing import One, Several, Value
from topcoat.surfaces.dataverse.metadata.definitions import ENTITY, describe_tables
from topcoat.surfaces.dataverse.metadata.option_sets import OPTION_SET
from topcoat.surfaces.dataverse.metadata.relationships import RELATIONSHIP, describe_relationships
from topcoat.surfaces.dataverse.questions import Texts
from topcoat.surfaces.dataverse.resource import Segment, not_found


def is_about(segments: Sequence[Segment]) -> bool:
    return not segments or segments[0].name in _ANSWERS


def answer(call: Call, segments: Sequence[Segment]) -> Response:
    """Raise what is wrong with it."""
    if not segments:
        return _alone(service.answer_document)(call, segments)
    return _ANSWERS[segments[0].name](call, segments)


def _alone(respond: Callable[[Call], Response], *, is_function: bool = False) -> Callable[..., Response]:
    """The answer to what nothing may follow, neither in the address nor as an option."""

    def answer_alone(call: Call, segments: Sequence[Segment]) -> Response:
        for segment in segments[1:]:
            raise not_found(segment.name)
        if segments and (segments[0].has_key or (segments[0].has_parentheses and not is_function)):
            raise errors.OptionInvalid(option=segments[0].name, reason="takes nothing in parentheses")
        _check_options(questions.read_texts(call.items), ())
        return respond(call)

    return answer_alone


def _check_options(texts: Texts, allowed: Sequence[str]) -> None:
    for name in texts.options:
        if name not in allowed:
            reason = f"does not apply here; expected {', '.join(allowed) or 'no options'}"
            raise errors.OptionInvalid(option=name, reason=reason)


def _answer_csdl(call: Call) -> Response:
    return Response(csdl.write_document(call.tables), media_type="application/xml")


def _answer_entities(call: Call, segments: Sequence[Segment]) -> Response:
    return _describe(call, Several("EntityDefinitions", ENTITY, describe_tables(call.tables)), segments)


def _answer_relationships(call: Call, segments: Sequence[Segment]) -> Response:
    found = describe_relationships(call.tables)
    return _describe(call, Several("RelationshipDefinitions", RELATIONSHIP, found), segments)


def _answer_option_sets(call: Call, segments: Sequence[Segment]) -> Response:
    """There are none that several columns share."""
    return _describe(call, Several("GlobalOptionSetDefinitions", OPTION_SET, ()), segments, takes_filter=False)


def _describe(call: Call, root: Several, segments: Sequence[Segment], *, takes_filter: bool = True) -> Response:
    texts = questions.read_texts(call.items)
    place = addressing.find_place(root, segments)
    context = f"{call.address}/$metadata#"
    match place:
        case Several():
            _check_options(texts, querying.OF_SEVERAL if takes_filter else querying.OF_ONE)
            query = querying.read_query(place.shape, texts, call.now)
            found = [query.shown(one) for one in query.kept(place.descriptions)]
            return json_answer({"@odata.context": f"{context}{place.name}{query.columns}", "value": found})
        case One():
            _check_options(texts, querying.OF_ONE)
            query = querying.read_query(place.shape, texts, call.now)
            shown = query.shown(place.description)
            return json_answer({"@odata.context": f"{context}{place.name}{query.columns}/$entity", **shown})
        case Value():
            _check_options(texts, ())
            if place.value is None:
                return Response(status_code=204)
            return json_answer({"@odata.context": context + place.path, "value": place.value})
        case _:
            assert_never(place)


_ANSWERS: Final[Mapping[str, Callable[[Call, Sequence[Segment]], Response]]] = {
    "$metadata": _alone(_answer_csdl),
    "EntityDefinitions": _answer_entities,
    "RelationshipDefinitions": _answer_relationships,
    "GlobalOptionSetDefinitions": _answer_option_sets,
    "RetrieveMetadataChanges": changes.answer,
    service.WHO_AM_I: _alone(service.answer_who_am_i, is_function=True),
}
