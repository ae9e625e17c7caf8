"""The state of the profile store: the generation that answers, and the one that is being made beside it."""

from typing import Final

from starlette.responses import Response

from topcoat.core.catalog import CUSTOMER, UNIFIED_ACTIVITY
from topcoat.flows.inventory import ProfileStoreState
from topcoat.surfaces.customer_insights import payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with
from topcoat.surfaces.customer_insights.payloads.instances import (
    Hydration,
    ProfileStoreCollectionInfo,
    ProfileStoreStateInfo,
)


async def get_state(call: Call) -> Response:
    state = await call.flows.inventory.get_profile_store_state(call.instance)
    return payloads.wire_answer(
        ProfileStoreStateInfo(
            ingestion_time=None if state.generation is None else state.generation.activated_at,
            primary_info=_primary(state),
            secondary_info=_secondary(state),
            instance_id=call.instance,
        )
    )


def _primary(state: ProfileStoreState) -> ProfileStoreCollectionInfo:
    """Profiles are hydrated once their index is built; activities need none."""
    found = state.generation
    if found is None:
        return ProfileStoreCollectionInfo(
            current_state="empty", row_count=0, size=0, profile_store_hydration_state_info={}
        )
    return ProfileStoreCollectionInfo(
        current_state="queryable",
        row_count=found.profiles,
        size=state.size_bytes,
        profile_store_hydration_state_info={
            CUSTOMER: _hydration(found.profiles, is_hydrated=state.is_hydrated),
            UNIFIED_ACTIVITY: _hydration(found.activities, is_hydrated=True),
        },
    )


def _secondary(state: ProfileStoreState) -> ProfileStoreCollectionInfo:
    """Its records cannot be counted before they are all there."""
    return ProfileStoreCollectionInfo(
        current_state="inBuild" if state.is_building else "empty",
        row_count=0,
        size=0,
        profile_store_hydration_state_info={CUSTOMER: "notHydrated"} if state.is_building else {},
    )


def _hydration(records: int, *, is_hydrated: bool) -> Hydration:
    if not records:
        return "nothingToHydrate"
    return "hydrated" if is_hydrated else "notHydrated"


OPERATIONS: Final = (
    Operation(
        id="Get-profile-store-state",
        method="GET",
        paths=("/{instanceId}/profilestore/stateinfo",),
        answer=get_state,
        summary="Tell what the profile store holds and whether it is being built",
        responses=answers_with(200, ProfileStoreStateInfo, "The active generation, and the one being made."),
    ),
)
