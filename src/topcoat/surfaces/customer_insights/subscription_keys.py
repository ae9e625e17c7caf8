"""The keys of an instance, and whether they open it: an extension, which a token alone is enough for.

Whoever lost the keys, or switched API access off, could not get in otherwise.
"""

from typing import Final

from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.subscription_keys import KeySlot
from topcoat.flows import permissions
from topcoat.surfaces import bodies
from topcoat.surfaces.customer_insights import payloads, shapes
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, request_body


async def get_api_access(call: Call) -> Response:
    return _answer(call, await call.flows.permissions.get_api_access(call.instance))


async def update_api_access(call: Call) -> Response:
    sent = shapes.read_shape(payloads.ApiAccessChange, await bodies.read_object(call.request))
    return _answer(call, await call.flows.permissions.set_enabled(call.instance, is_enabled=sent.is_enabled))


async def regenerate_key(call: Call) -> Response:
    slot = _slot(call)
    key, changed_at = await call.flows.permissions.regenerate_key(call.instance, slot)
    told = payloads.RegeneratedKey(instance_id=call.instance, name=slot.value, key=key, changed_utc=changed_at)
    return payloads.wire_answer(told, headers={"Cache-Control": "no-store"})


def _slot(call: Call) -> KeySlot:
    name = call.request.path_params["keyName"]
    try:
        return KeySlot(name)
    except ValueError:
        expected = " or ".join(slot.value for slot in KeySlot)
        raise errors.ParameterInvalid(
            parameter="keyName", found=f"'{catalog.shown(name)}'", expected=expected
        ) from None


def _answer(call: Call, access: permissions.ApiAccess) -> Response:
    keys = [
        payloads.SubscriptionKeyState(name=key.slot.value, state=key.origin.value, changed_utc=key.changed_at)
        for key in access.keys
    ]
    return payloads.wire_answer(payloads.ApiAccess(instance_id=call.instance, is_enabled=access.is_enabled, keys=keys))


_PATH: Final = "/{instanceId}/manage/subscriptionkeys"
_NO_INSTANCE: Final = answers_with(404, payloads.ApiErrorResult, "There is no such instance.")

OPERATIONS: Final = (
    Operation(
        id="Get-API-access",
        method="GET",
        paths=(_PATH,),
        answer=get_api_access,
        needs_key=False,
        summary="Tell whether subscription keys open the instance, and when they were made (extension)",
        responses=answers_with(200, payloads.ApiAccess, "Without the keys themselves.") | _NO_INSTANCE,
    ),
    Operation(
        id="Update-API-access",
        method="PUT",
        paths=(_PATH,),
        answer=update_api_access,
        needs_key=False,
        summary="Let subscription keys open the instance, or not (extension)",
        responses=answers_with(200, payloads.ApiAccess, "As it is now.") | _NO_INSTANCE,
        documentation=request_body(payloads.ApiAccessChange.model_json_schema()),
    ),
    Operation(
        id="Regenerate-subscription-key",
        method="POST",
        paths=(f"{_PATH}/{{keyName}}/regenerate",),
        answer=regenerate_key,
        needs_key=False,
        summary="Make a new key in place of one; the other stays valid (extension)",
        responses=answers_with(200, payloads.RegeneratedKey, "The new key, which nobody is told again.")
        | answers_with(400, payloads.ApiErrorResult, "The key is neither primary nor secondary.")
        | _NO_INSTANCE,
    ),
)
