"""Who may what: for every operation the lowest role that may call it, area by area as in the vendor's role table.

A route that is not here does not start; docs/permissions.md shows the same table, and the reasons.
"""

from collections.abc import Mapping
from typing import Final

from topcoat.core.roles import Role

ANYBODY: Final = None

AREAS: Final[Mapping[str, Mapping[str, Role | None]]] = {
    "Customers and activities": {
        "Get-entities-with-OData-path": Role.VIEWER,
        "Get-KeyRing": Role.VIEWER,
        "Get-Activity-Types-and-Counts": Role.VIEWER,
        "List-changes": Role.VIEWER,
        "List-reconciliation": Role.CONTRIBUTOR,
        "Create-an-entity": Role.CONTRIBUTOR,
        "Update-an-entity": Role.CONTRIBUTOR,
        "Withdraw-a-change": Role.CONTRIBUTOR,
    },
    "Tables": {
        "Get-all-entity-metadata": Role.VIEWER,
        "Get-entity-metadata": Role.VIEWER,
        "Get-entity-size": Role.VIEWER,
        "Get-an-entity-profile": Role.VIEWER,
        "Get-an-attribute-profile": Role.VIEWER,
    },
    "Data sources": {
        "Get-all-data-sources": Role.VIEWER,
        "Get-data-source": Role.VIEWER,
        "Delete-a-data-source": Role.CONTRIBUTOR,
    },
    "Relationships and hierarchies": {
        "Get-all-relationships": Role.VIEWER,
        "Get-a-relationship": Role.VIEWER,
        "Get-all-system-created-relationships": Role.VIEWER,
        "Get-all-hierarchies": Role.VIEWER,
        "Get-a-hierarchy": Role.VIEWER,
        "Create-a-relationship": Role.CONTRIBUTOR,
        "Update-a-relationship": Role.CONTRIBUTOR,
        "Delete-a-relationship": Role.CONTRIBUTOR,
        "Create-a-hierarchy": Role.CONTRIBUTOR,
        "Update-a-hierarchy": Role.CONTRIBUTOR,
        "Delete-a-hierarchy": Role.CONTRIBUTOR,
    },
    "Segments": {
        "Get-all-segments": Role.VIEWER,
        "Create-a-segment": Role.CONTRIBUTOR,
        "Update-a-segment": Role.CONTRIBUTOR,
        "Delete-segment": Role.CONTRIBUTOR,
        "Activate-segment": Role.CONTRIBUTOR,
        "Deactivate-segment": Role.CONTRIBUTOR,
    },
    "Measures": {
        "Get-a-list-of-measures-metadata": Role.VIEWER,
        "Get-metadata-for-a-measure": Role.VIEWER,
        "Create-a-measure": Role.CONTRIBUTOR,
        "Update-a-measure": Role.CONTRIBUTOR,
        "Delete-a-measure": Role.CONTRIBUTOR,
    },
    "System": {
        "Get-list-of-recent-workflow-jobs": Role.VIEWER,
        "Get-a-workflow-job-information": Role.VIEWER,
        "Get-a-workflow-job-report": Role.VIEWER,
        "Get-workflow-status": Role.VIEWER,
        "Get-list-of-workflow-task-information-history": Role.VIEWER,
        "Get-workflow-schedules": Role.VIEWER,
        "Get-supported-timezones": Role.VIEWER,
        "Get-profile-store-state": Role.VIEWER,
        "Get-API-usage": Role.ADMINISTRATOR,
        "Submit-a-workflow-job": Role.CONTRIBUTOR,
        "Cancel-a-workflow-job": Role.CONTRIBUTOR,
        "Create-workflow-refresh-schedule": Role.ADMINISTRATOR,
        "Create-a-batch-of-workflow-refresh-schedules": Role.ADMINISTRATOR,
    },
    "Search and filter index": {
        "Get-search-configuration": Role.VIEWER,
        "Update-search-configuration": Role.ADMINISTRATOR,
    },
    "Permissions": {
        "Get-current-user-role": Role.VIEWER,
        "Get-all-role-definitions": Role.VIEWER,
        "Get-all-role-assignments": Role.ADMINISTRATOR,
        "Update-a-role-assignment": Role.ADMINISTRATOR,
        "Deletes-a-role-assignment": Role.ADMINISTRATOR,
        "Get-API-access": Role.ADMINISTRATOR,
        "Update-API-access": Role.ADMINISTRATOR,
        "Regenerate-subscription-key": Role.ADMINISTRATOR,
    },
    "Environments": {
        "Get-all-instances": Role.VIEWER,
        "Get-instance-metadata": Role.VIEWER,
        "Create-an-instance": Role.ADMINISTRATOR,
        "Copy-an-instance": Role.ADMINISTRATOR,
        "Update-an-instance": Role.ADMINISTRATOR,
        "Reset-an-instance": Role.OWNER,
        "Delete-an-instance": Role.OWNER,
    },
    "Dataverse": {
        "Dataverse-Web-API": Role.VIEWER,
    },
    "Customer card": {
        "Card-profile": Role.VIEWER,
        "Card-timeline": Role.VIEWER,
        "Card-events": Role.VIEWER,
        "Card-preflight": ANYBODY,
        "Card-file": ANYBODY,
        "Card-page": Role.VIEWER,
        "Card-search": Role.VIEWER,
    },
    "Console": {
        "Console": Role.VIEWER,
        "Console-instance": Role.VIEWER,
        "Console-tables": Role.VIEWER,
        "Console-changes": Role.VIEWER,
        "Console-job": Role.VIEWER,
        "Console-writes": Role.CONTRIBUTOR,
        "Console-send": Role.CONTRIBUTOR,
        "Console-calls": Role.ADMINISTRATOR,
        "Console-clock": Role.ADMINISTRATOR,
    },
    "Pages": {
        "Page-file": ANYBODY,
        "Choose-role": Role.VIEWER,
    },
    "Emulator": {
        "Read-clock": Role.ADMINISTRATOR,
        "Move-clock": Role.ADMINISTRATOR,
        "Get-CA-certificate": ANYBODY,
        "Discover-instance": ANYBODY,
        "Get-openid-configuration": ANYBODY,
        "Get-token-keys": ANYBODY,
        "Get-token": ANYBODY,
        "Authorize": ANYBODY,
    },
    "Operations": {
        "Health-live": ANYBODY,
        "Health-ready": ANYBODY,
        "Metrics": ANYBODY,
        "openapi": ANYBODY,
        "swagger_ui_html": ANYBODY,
        "swagger_ui_redirect": ANYBODY,
        "redoc_html": ANYBODY,
    },
}


_NEEDED: Final = {operation: role for area in AREAS.values() for operation, role in area.items()}


def needed_role(operation: str) -> Role:
    """The lowest role that may call an operation; raise `LookupError` for one that has no entry."""
    role = _NEEDED.get(operation)
    if role is None:
        raise LookupError(f"Operation {operation} has no role in topcoat/surfaces/permissions.py.")
    return role
