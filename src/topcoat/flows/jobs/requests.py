"""What may be asked of the workflow, checked: the operation, and the identifiers that narrow it."""

from collections.abc import Sequence
from typing import Final

from topcoat.core import catalog, errors, workflow
from topcoat.flows import data_sources
from topcoat.flows.instances import CurrentCatalog
from topcoat.flows.refresh.stages import STAGES

RUNNABLE: Final = (workflow.EVERYTHING, *(stage.name for stage in STAGES))
IDENTIFIERS_MAX: Final = 100
_BY_NAME: Final = {name.casefold(): name for name in workflow.OPERATION_TYPES}


def checked_operation(operation_type: str) -> str:
    """In the vendor's spelling, whatever its case; raise `NotSupported` for what the vendor has and there is not."""
    name = _BY_NAME.get(operation_type.casefold())
    if name is None:
        hint = catalog.suggestion(operation_type, RUNNABLE)
        raise errors.ParameterInvalid(
            parameter="operationType",
            found=f"'{catalog.shown(operation_type)}'",
            expected=f"one of {', '.join(RUNNABLE)}{hint}",
        )
    if name not in RUNNABLE:
        raise errors.NotSupported(what=f"operationType {name}", hint=f"; there are {', '.join(RUNNABLE)}")
    return name


def checked_identifiers(
    guid: str, operation_type: str, identifiers: Sequence[str], current: CurrentCatalog
) -> tuple[str, ...]:
    """Data sources by id or name, for an ingestion; every refresh reads all files, so they are only noted."""
    if not identifiers:
        return ()
    if operation_type != "ingestion":
        found = f"given with operationType {operation_type}"
        raise _refused(found, "none, or data sources with operationType ingestion")
    if len(identifiers) > IDENTIFIERS_MAX:
        raise _refused(f"{len(identifiers)} identifiers", f"at most {IDENTIFIERS_MAX}")
    known = sorted({table.data_source for table in current.catalog.tables if table.data_source})
    ids = [data_sources.data_source_id(guid, name) for name in known]
    for identifier in identifiers:
        if identifier not in known and identifier.lower() not in ids:
            hint = catalog.suggestion(identifier, known)
            raise _refused(f"'{catalog.shown(identifier)}'", f"a data source of the instance{hint}")
    return tuple(dict.fromkeys(identifiers))


def _refused(found: str, expected: str) -> errors.ParameterInvalid:
    return errors.ParameterInvalid(parameter="identifiers", found=found, expected=expected)
