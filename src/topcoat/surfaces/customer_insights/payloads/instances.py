"""Instances, and the state of their profile stores."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from topcoat.surfaces.customer_insights.payloads import Audited, Wire


class InstanceInfo(Wire):
    instance_id: str
    name: str
    instance_type: str
    expiry_time_utc: datetime | None = None
    max_trial_extensions_allowed: int | None = None
    trial_extension_history: str | None = None
    scale_unit_id: str | None = None
    azure_region: str | None = None
    platform_type: str | None = None


class InstanceMetadata(Audited):
    is_b2_b: bool = Field(default=False, alias="isB2B")
    is_b2_c: bool = Field(default=True, alias="isB2C")
    is_byo_pbi: bool = False
    is_byo_synapse: bool = False
    is_cds_mdl_or_cds_byodl: bool = False
    name: str
    provisioning_state: str = "active"
    instance_type: str
    refresh_schedule: dict[str, Any] | None = None
    expiry_time_utc: datetime | None = None
    region: str | None = None
    cds_org_info: dict[str, Any] | None = None
    cds_mdl_info: dict[str, Any] | None = None
    max_trial_extensions_allowed: int | None = None
    trial_extension_history: str | None = None
    is_refresh_credential_required: bool = False
    trial_extension_details: list[dict[str, Any]] = Field(default=[])
    configured_workspaces: list[str] = Field(default=[])
    platform_type: str | None = None
    azure_region: str | None = None


class InstanceSaid(Wire):
    """What a caller may say of an instance."""

    name: str | None = None
    instance_type: Literal["trial", "sandbox", "production", "pitchDemo", "pov"] | None = None
    region: str | None = None
    instance_id: str | None = None


Hydration = Literal["notHydrated", "hydrated", "nothingToHydrate"]


class ProfileStoreCollectionInfo(Wire):
    current_state: Literal["empty", "inBuild", "queryable"]
    row_count: int
    size: int
    profile_store_hydration_state_info: dict[str, Hydration]


class ProfileStoreStateInfo(Wire):
    ingestion_time: datetime | None
    primary_info: ProfileStoreCollectionInfo
    secondary_info: ProfileStoreCollectionInfo
    instance_id: str
