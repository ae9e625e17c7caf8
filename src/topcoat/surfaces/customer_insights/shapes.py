"""Bodies checked against the contract's shapes; a fault says where it is, what came and what was expected."""

from collections.abc import Collection, Iterator
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from topcoat.core import catalog, errors
from topcoat.core.catalog import Document

_EXPECTATIONS: Final = {
    "bool_type": "true or false",
    "int_type": "an integer",
    "string_type": "a string",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
}

Shape = TypeVar("Shape", bound=BaseModel)


def read_shape(model: type[Shape], body: Document) -> Shape:
    """Raise `ParameterInvalid` for the first key or value that the model does not have, or that no database keeps."""
    unkept = next(_list_unkept(body, ()), None)
    if unkept is not None:
        found, expected = "a text with the control character U+0000", "one without"
        raise errors.ParameterInvalid(parameter=_path(unkept), found=found, expected=expected)
    try:
        return model.model_validate(body, strict=True, extra="forbid", by_alias=True, by_name=False)
    except ValidationError as error:
        raise _invalid(model, error.errors(include_url=False)[0]) from None


def without_keys(body: Document, told: Collection[str | None]) -> Document:
    """What the service itself says, such as the version, may be sent along and counts for nothing."""
    return {name: value for name, value in body.items() if name not in told}


def check_same(parameter: str, said: str | None, addressed: str) -> None:
    """What stands in the address may be said again, but not otherwise."""
    if said is not None and said != addressed:
        expected = f"'{catalog.shown(addressed)}', as in the address"
        raise errors.ParameterInvalid(parameter=parameter, found=catalog.described(said), expected=expected)


def _invalid(model: type[BaseModel], details: ErrorDetails) -> errors.ParameterInvalid:
    place = details["loc"]
    match details["type"]:
        case "missing":
            found, expected = "missing", "a value"
        case "extra_forbidden":
            found, expected = "not a key of the contract", _known_keys(model, place)
        case "literal_error":
            found, expected = catalog.described(details["input"]), f"one of {details['ctx']['expected']}"
        case kind:
            found, expected = catalog.described(details["input"]), _EXPECTATIONS.get(kind, details["msg"])
    return errors.ParameterInvalid(parameter=_path(place), found=found, expected=expected)


def _list_unkept(value: Any, place: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    """Where the texts with a null character are; PostgreSQL has no place for it."""
    match value:
        case str() if "\0" in value:
            yield place
        case dict():
            for name, inner in value.items():
                yield from _list_unkept(name, (*place, name))
                yield from _list_unkept(inner, (*place, name))
        case list():
            for number, inner in enumerate(value):
                yield from _list_unkept(inner, (*place, number))
        case _:
            pass


def _path(place: tuple[int | str, ...]) -> str:
    """`entityConfig[0].attributes[2].name`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{catalog.shown(part)}" for part in place)
    return "".join(parts).removeprefix(".")


def _known_keys(model: type[BaseModel], place: tuple[int | str, ...]) -> str:
    for part in place[:-1]:
        if isinstance(part, str):
            model = next(_models_of(f.annotation) for f in model.model_fields.values() if f.alias == part)
    known = [str(field.alias) for field in model.model_fields.values()]
    return f"one of {', '.join(known)}{catalog.suggestion(str(place[-1]), known)}"


def _models_of(annotation: Any) -> type[BaseModel]:
    """The model in an annotation such as `list[Model] | None`."""
    waiting = [annotation]
    while not (isinstance(waiting[-1], type) and issubclass(waiting[-1], BaseModel)):
        waiting[-1:] = get_args(waiting[-1])
    return waiting[-1]
