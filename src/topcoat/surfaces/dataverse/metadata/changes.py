"""`RetrieveMetadataChanges`: descriptions of tables, of columns with what their types add, in one answer."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.catalog import Column, ColumnType, Document, described, shown, suggestion
from topcoat.core.odata import syntax
from topcoat.core.odata.syntax import Expression, Literal, Operator
from topcoat.surfaces.dataverse import questions
from topcoat.surfaces.dataverse.call import Call, json_answer
from topcoat.surfaces.dataverse.metadata.attributes import ATTRIBUTE
from topcoat.surfaces.dataverse.metadata.definitions import ENTITY, KEY, describe_tables
from topcoat.surfaces.dataverse.metadata.querying import Query, check_names, make_condition
from topcoat.surfaces.dataverse.metadata.relationships import RELATIONSHIP
from topcoat.surfaces.dataverse.metadata.shapes import LANGUAGE, Shape
from topcoat.surfaces.dataverse.names import NAMESPACE
from topcoat.surfaces.dataverse.resource import Segment, not_found

DEPTH_MAX: Final = 10
CONDITIONS_MAX: Final = 100
VALUES_MAX: Final = 1000

_OPTION: Final = "Query"
_ANY_ATTRIBUTE: Final = ATTRIBUTE.widened()
_ANY_RELATIONSHIP: Final = RELATIONSHIP.widened()
_PARTS: Final[Mapping[str, tuple[str, Shape]]] = {
    "Attributes": ("AttributeQuery", _ANY_ATTRIBUTE),
    "Keys": ("KeyQuery", KEY),
    "ManyToManyRelationships": ("RelationshipQuery", _ANY_RELATIONSHIP),
    "ManyToOneRelationships": ("RelationshipQuery", _ANY_RELATIONSHIP),
    "OneToManyRelationships": ("RelationshipQuery", _ANY_RELATIONSHIP),
}
_MEMBERS: Final = ("Criteria", "Properties")
_OPERATORS: Final = {
    "Equals": Operator.EQ,
    "NotEquals": Operator.NE,
    "GreaterThan": Operator.GT,
    "LessThan": Operator.LT,
}
_MEMBERSHIPS: Final = ("In", "NotIn")
_ITEM: Final = re.compile(r"""\s*+(?:'([^']*+)'|"([^"]*+)")\s*+(?:,|\Z)""")
_FLAGS: Final = {"true": True, "false": False}


def answer(call: Call, segments: Sequence[Segment]) -> Response:
    """Earlier states are not known, so there is no stamp of this one, and nothing was deleted since another."""
    for segment in segments[1:]:
        raise not_found(segment.name)
    expression = _read_expression(call, segments[0])
    query = _Reader(call).read(expression)
    found = [query.shown(table) for table in query.kept(describe_tables(call.tables))]
    context = f"{call.address}/$metadata#{NAMESPACE}.RetrieveMetadataChangesResponse"
    empty = {"Count": 0, "IsReadOnly": False, "Keys": [], "Values": []}
    content = {"@odata.context": context, "ServerVersionStamp": None, "DeletedMetadata": empty, "EntityMetadata": found}
    return json_answer(content)


def _read_expression(call: Call, function: Segment) -> Document:
    texts = questions.read_texts(call.items)
    for name in texts.options:
        raise errors.OptionInvalid(option=name, reason=f"does not apply to {function.name}")
    for name in function.arguments:
        if name != _OPTION:
            raise errors.NotSupported(what=f"The parameter {shown(name)} of {function.name}", hint="")
    text = texts.aliases.get(function.arguments.get(_OPTION, ""))
    if text is None:
        expected = "RetrieveMetadataChanges(Query=@p1)?@p1={…}"
        raise errors.OptionInvalid(option=_OPTION, reason=f"is missing; expected {expected}")
    try:
        return _object(orjson.loads(text), "the expression")
    except orjson.JSONDecodeError:
        raise _invalid("the expression", f"the text '{shown(text)}'", "a JSON object") from None


class _Reader:
    """Makes a query of an EntityQueryExpression; conditions are counted over all of its parts."""

    def __init__(self, call: Call) -> None:
        self._now = call.now
        self._conditions = 0

    def read(self, expression: Document) -> Query:
        parts = tuple(dict.fromkeys(part for part, _ in _PARTS.values()))
        _check_members(expression, "the expression", (*_MEMBERS, *parts, "LabelQuery"))
        _check_languages(_object(expression.get("LabelQuery"), "LabelQuery"))
        names = _names(expression, "Properties")
        navigations = [name for name in names or () if name in _PARTS]
        if names is None and expression.get("Properties") is not None:
            navigations = list(_PARTS)
        expand = {name: self._part(name, expression) for name in navigations}
        own = None if names is None else [name for name in names if name not in _PARTS]
        return self._query(ENTITY, expression, own, expand, "")

    def _part(self, navigation: str, expression: Document) -> Query:
        member, shape = _PARTS[navigation]
        part = _object(expression.get(member), member)
        _check_members(part, member, _MEMBERS)
        return self._query(shape, part, _names(part, f"{member}/Properties"), {}, f"{member}/")

    def _query(
        self, shape: Shape, part: Document, names: Sequence[str] | None, expand: Mapping[str, Query], place: str
    ) -> Query:
        """Whatever is asked for, the name is shown."""
        check_names(shape, names or ())
        always = [name for name in shape.usual if name == "LogicalName"]
        select = None if names is None else tuple(dict.fromkeys((*always, *names)))
        criteria = _object(part.get("Criteria"), f"{place}Criteria")
        tree = self._criteria(shape, criteria, f"{place}Criteria", 1)
        condition = None if tree is None else make_condition(shape, tree, self._now, _OPTION)
        return Query(shape, select, condition, expand)

    def _criteria(self, shape: Shape, criteria: Document, place: str, depth: int) -> Expression | None:
        if depth > DEPTH_MAX:
            raise _invalid(place, "deeper than that", f"at most {DEPTH_MAX} filters inside each other")
        _check_members(criteria, place, ("Conditions", "FilterOperator", "Filters"))
        terms = [
            self._condition(shape, _object(item, f"{place}/Conditions"), f"{place}/Conditions")
            for item in _list(criteria.get("Conditions"), f"{place}/Conditions")
        ]
        for item in _list(criteria.get("Filters"), f"{place}/Filters"):
            inner = self._criteria(shape, _object(item, f"{place}/Filters"), f"{place}/Filters", depth + 1)
            terms += [] if inner is None else [inner]
        joined = _joined(criteria.get("FilterOperator", "And"), place)
        if len(terms) < 2:
            return terms[0] if terms else None
        return joined(tuple(terms))

    def _condition(self, shape: Shape, condition: Document, place: str) -> Expression:
        self._conditions += 1
        if self._conditions > CONDITIONS_MAX:
            raise _invalid(place, "one more", f"at most {CONDITIONS_MAX} conditions in all")
        _check_members(condition, place, ("ConditionOperator", "PropertyName", "Value"))
        column = _column(shape, condition.get("PropertyName"), place)
        value = _object(condition.get("Value"), f"{place}/Value").get("Value")
        node = syntax.Column(column.name)
        match condition.get("ConditionOperator"):
            case str() as name if name in _OPERATORS:
                return syntax.Comparison(node, _OPERATORS[name], _literal(column, value, place))
            case str() as name if name in _MEMBERSHIPS:
                among = syntax.In(node, _literals(column, value, place))
                return among if name == "In" else syntax.Not(among)
            case other:
                expected = f"one of {', '.join((*_OPERATORS, *_MEMBERSHIPS))}"
                raise _invalid(f"{place}/ConditionOperator", described(other), expected)


def _joined(name: Any, place: str) -> type[syntax.And | syntax.Or]:
    match name:
        case "And" | None:
            return syntax.And
        case "Or":
            return syntax.Or
        case _:
            raise _invalid(f"{place}/FilterOperator", described(name), "And or Or")


def _column(shape: Shape, name: Any, place: str) -> Column:
    """A property, or the value that is all there is to compare of one."""
    known = shape.table.columns_by_name
    if not isinstance(name, str):
        raise _invalid(f"{place}/PropertyName", described(name), "the name of a property")
    found = known.get(name) or known.get(f"{name}/Value")
    if found is None:
        near = suggestion(name, known)
        raise errors.PropertyNotFound(column=shown(name), type=f"{NAMESPACE}.{shape.name}", suggestion=near)
    return found


def _literals(column: Column, value: Any, place: str) -> tuple[Literal, ...]:
    """A list, or a text such as `['account','contact']`, as the vendor's examples have it."""
    values = value if isinstance(value, list) else _split(value, place)
    if not 1 <= len(values) <= VALUES_MAX:
        raise _invalid(f"{place}/Value", f"a list of {len(values)}", f"1 to {VALUES_MAX} values")
    return tuple(_literal(column, one, place) for one in values)


def _split(value: Any, place: str) -> list[str]:
    text = value.strip() if isinstance(value, str) else ""
    items: list[str] = []
    at, inner = 0, text[1:-1]
    while at < len(inner) and text.startswith("[") and text.endswith("]"):
        found = _ITEM.match(inner, at)
        if found is None:
            break
        items.append(found[1] or found[2] or "")
        at = found.end()
    if not items or at < len(inner):
        raise _invalid(f"{place}/Value", described(value), "a list such as ['account','contact']")
    return items


def _literal(column: Column, value: Any, place: str) -> Literal:
    """Values of any type come as texts."""
    match column.type, value:
        case _, None:
            return syntax.Null()
        case ColumnType.STRING, str():
            return syntax.String(value)
        case ColumnType.BOOLEAN, bool():
            return syntax.Boolean(value)
        case ColumnType.BOOLEAN, str() if value.lower() in _FLAGS:
            return syntax.Boolean(_FLAGS[value.lower()])
        case ColumnType.INTEGER | ColumnType.DECIMAL, int() | str() if _is_number(value):
            return syntax.Integer(int(value))
        case _:
            raise _invalid(f"{place}/Value", described(value), f"a value of type {column.type.value} for {column.name}")


def _is_number(value: Any) -> bool:
    text = str(value).removeprefix("-")
    return not isinstance(value, bool) and text.isascii() and text.isdigit() and len(text) <= 18


def _names(part: Document, place: str) -> list[str] | None:
    """The properties that are asked for; None for all of them."""
    properties = part.get("Properties")
    if properties is None:
        return None
    given = _object(properties, place)
    _check_members(given, place, ("AllProperties", "PropertyNames"))
    if str(given.get("AllProperties", False)).lower() == "true":
        return None
    names = _list(given.get("PropertyNames"), f"{place}/PropertyNames")
    for name in names:
        if not isinstance(name, str):
            raise _invalid(f"{place}/PropertyNames", described(name), "names of properties")
    return names


def _check_languages(labels: Document) -> None:
    languages = _list(labels.get("FilterLanguages"), "LabelQuery/FilterLanguages")
    if languages and LANGUAGE not in languages:
        raise errors.NotSupported(what="A LabelQuery without the language 1033", hint="; labels have no other")


def _check_members(part: Document, place: str, known: Iterable[str]) -> None:
    for name in part:
        if name not in known and not name.startswith("@"):
            raise _invalid(place, f"the member '{shown(name)}'", f"one of {', '.join(known)}")


def _object(value: Any, place: str) -> Document:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid(place, described(value), "an object")
    return value


def _list(value: Any, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _invalid(place, described(value), "an array")
    return value


def _invalid(place: str, found: str, expected: str) -> errors.OptionInvalid:
    return errors.OptionInvalid(option=_OPTION, reason=f"has {found} in {place}; expected {expected}")
