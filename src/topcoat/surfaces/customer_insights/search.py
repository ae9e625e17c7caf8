"""The search and filter index of the customers: which columns are looked up by it."""

from typing import Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER, Document
from topcoat.core.search_configuration import IndexedColumn, SearchConfiguration
from topcoat.flows.search_index import TableColumns
from topcoat.surfaces import answers, bodies
from topcoat.surfaces.access import Role
from topcoat.surfaces.customer_insights import payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with
