"""One request of a card: whose, about which customer of which instance."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

from topcoat.core import catalog, errors
from topcoat.flows import Flows
from topcoat.surfaces.access import Principal


@dataclass(frozen=True, slots=True)
class Call:
    """`parameters` are the query's, each at most once."""

    request: Request
    flows: Flows
    principal: Principal
    instance: str
    parameters: Mapping[str, str]

    @property
    def customer_id(self) -> str:
        """Raise `ParameterInvalid` where none is named."""
        customer_id = self.parameters.get("customer", "")
        if not catalog.check_id(customer_id):
            expected = f"an id of at most {catalog.ID_LENGTH_MAX} characters"
            found = f"'{catalog.shown(customer_id)}'" if customer_id else "missing"
            raise errors.ParameterInvalid(parameter="customer", found=found, expected=expected)
        return customer_id

    @property
    def as_of(self) -> str | None:
        return self.parameters.get("asOf") or None


def read_number(parameters: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    """From 1 to `most`; raise `ParameterInvalid`."""
    text = parameters.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > len(str(most)) or not 1 <= int(text) <= most:
        expected = f"a whole number from 1 to {most}"
        raise errors.ParameterInvalid(parameter=name, found=f"'{catalog.shown(text)}'", expected=expected)
    return int(text)
