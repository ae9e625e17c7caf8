"""Real-time writes: a change of a profile, an activity in either format, the withdrawal of a change."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from topcoat.clock import Clock
from topcoat.core import catalog, errors, mapping
from topcoat.core.catalog import CUSTOMER_ID, UNIFIED_ACTIVITY_TABLE, Document, Table, TableKind
from topcoat.core.idempotency import RequestKey
from topcoat.core.overlay import lifetime
from topcoat.flows.instances import CurrentCatalog, Instances
from topcoat.store.batches import ActivityWrite, GenerationMoved, OverrideWrite, WithdrawalWrite, WriteRequest, Written
from topcoat.store.idempotency import KeptAnswer
from topcoat.store.writer import Writer

CHECKS_MAX: Final = 5
CALLER_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Write:
    """What every real-time write brings along; `valid_until` as the caller sent it."""

    valid_until: str | None
    caller: str | None
    principal: str
    key: RequestKey | None = None


@dataclass(frozen=True, slots=True)
class IngestedActivity:
    """`record` has every column of UnifiedActivity; that of a waiting activity has no CustomerId yet."""

    activity_id: str
    record: Document
    is_waiting: bool
    is_replayed: bool


class Ingest:
    def __init__(self, writer: Writer, instances: Instances, clock: Clock) -> None:
        self._writer = writer
        self._instances = instances
        self._clock = clock

    async def override_profile(self, instance: str, table: str, record_id: str, values: Document, write: Write) -> bool:
        """Change columns of an existing profile until the write lapses (S5-S8); return whether that had happened
        before, under the same idempotency key."""
        valid_until = _requested(write)

        def checked(current: CurrentCatalog) -> OverrideWrite:
            found = current.catalog.get_table(table)
            _refuse_unless_customer(found)
            columns = catalog.validate_change(found, values)
            _check_record_id(found, record_id)
            return OverrideWrite(
                generation=current.generation,
                customer_id=record_id,
                columns=columns,
                valid_until=valid_until,
                caller=write.caller,
                principal=write.principal,
                key=write.key,
            )

        answer = await self._write_once(instance, checked, write.key)
        return isinstance(answer, KeptAnswer)

    async def ingest_activity(self, instance: str, table: str, record: Document, write: Write) -> IngestedActivity:
        """Publish an activity, in UnifiedActivity or in source format (S11-S14)."""
        valid_until = _requested(write)
        latest: list[ActivityWrite] = []

        def checked(current: CurrentCatalog) -> ActivityWrite:
            activity = self._activity_write(current, table, record, valid_until, write)
            latest[:] = [activity]
            return activity

        answer = await self._write_once(instance, checked, write.key)
        return _replayed(answer) if isinstance(answer, KeptAnswer) else _ingested(latest[0], answer)

    async def withdraw_change(self, instance: str, sequence: int, write: Write) -> None:
        """End one live change for good (S9)."""
        await self._writer.write(instance, WithdrawalWrite(sequence, write.principal))

    async def _write_once(
        self, instance: str, checked: Callable[[CurrentCatalog], WriteRequest], key: RequestKey | None
    ) -> Written | KeptAnswer:
        """What happened before is not checked again: it would not pass, where a refresh changed tables since."""
        kept = None if key is None else await self._writer.find_answer(instance, key)
        return kept or await self._write_checked(instance, checked)

    async def _write_checked(
        self, instance: str, checked: Callable[[CurrentCatalog], WriteRequest]
    ) -> Written | KeptAnswer:
        """Commit what was checked; check again when a refresh was activated between the check and the commit."""
        for _ in range(CHECKS_MAX):
            request = await self._instances.checked(instance, checked)
            try:
                return await self._writer.write(instance, request)
            except GenerationMoved:
                await self._instances.read_current(instance)
        raise errors.Overloaded

    def _activity_write(
        self, current: CurrentCatalog, name: str, record: Document, valid_until: datetime | None, write: Write
    ) -> ActivityWrite:
        table = current.catalog.get_table(name)
        if table.kind is TableKind.UNIFIED_ACTIVITY:
            document, customer = self._unified(table, record), None
        elif table.kind is TableKind.SOURCE:
            if table.activity is None:
                raise errors.ActivityNotConfigured(table=table.name)
            mapped = mapping.map_source_record(table, mapping.validate_source_record(table, record))
            document, customer = mapped.document, mapped.customer
            _check_reference(table, customer)
        else:
            raise errors.TableNotWritable(reason=f"Records of {table.name} are not created in real time.")
        customer_id = document.pop(CUSTOMER_ID, None)
        return ActivityWrite(
            generation=current.generation,
            customer_id=customer_id,
            customer=customer,
            activity_id=document["ActivityId"],
            activity_time=catalog.parse_instant(document["ActivityTime"]),
            activity_type=document.get("ActivityType"),
            source_table=document.get("EntityName"),
            document=document,
            valid_until=valid_until,
            caller=write.caller,
            principal=write.principal,
            key=write.key,
        )

    def _unified(self, table: Table, record: Document) -> Document:
        document = {k: v for k, v in catalog.validate_record(table, record).items() if v is not None}
        if "ActivityId" in record:
            _check_key(table, "ActivityId", record["ActivityId"])
        else:
            now = self._clock.system_now()
            document["ActivityId"] = mapping.time_ordered_activity_id(now, secrets.token_bytes(10))
        return document


def checked_caller(text: str | None) -> str | None:
    """Who a write is on behalf of, None for nobody; raise `ParameterInvalid`."""
    if text and (len(text) > CALLER_LENGTH_MAX or not text.isprintable()):
        raise errors.ParameterInvalid(
            parameter="caller",
            found=f"'{catalog.shown(text)}'",
            expected=f"a text of at most {CALLER_LENGTH_MAX} characters without control characters",
        )
    return text or None


def _requested(write: Write) -> datetime | None:
    return None if write.valid_until is None else lifetime.parse_valid_until(write.valid_until)


def _refuse_unless_customer(table: Table) -> None:
    match table.kind:
        case TableKind.CUSTOMER:
            return
        case TableKind.UNIFIED_ACTIVITY | TableKind.SOURCE:
            reason = f"Records of {table.name} are activities, and activities never change."
        case TableKind.CUSTOMER_MEASURE:
            reason = f"Records of {table.name} are computed by the refresh and cannot be changed."
    raise errors.TableNotWritable(reason=reason)


def _check_record_id(table: Table, record_id: str) -> None:
    """An id that no profile can have is not looked for."""
    if not catalog.check_id(record_id):
        raise errors.RecordNotFound(table=table.name, record_id=catalog.shown(record_id))


def _check_reference(table: Table, customer: mapping.CustomerReference) -> None:
    assert table.activity is not None  # only a configured table maps to a reference
    _check_key(table, table.activity.customer_column, customer.key)


def _check_key(table: Table, column: str, value: Any) -> None:
    if not isinstance(value, str) or not catalog.check_id(value):
        raise errors.WrongType(
            table=table.name,
            column=column,
            found=catalog.described(value),
            expected=f"a text of 1 to {catalog.ID_LENGTH_MAX} characters without control characters",
        )


def _ingested(activity: ActivityWrite, written: Written) -> IngestedActivity:
    return _answer(activity.activity_id, activity.document, written.customer_id, is_replayed=False)


def _replayed(kept: KeptAnswer) -> IngestedActivity:
    assert kept.activity_id is not None  # it answers the same request
    assert kept.document is not None
    return _answer(kept.activity_id, kept.document, kept.customer_id, is_replayed=True)


def _answer(activity_id: str, document: Document, customer_id: str | None, *, is_replayed: bool) -> IngestedActivity:
    return IngestedActivity(
        activity_id=activity_id,
        record=catalog.complete_record(UNIFIED_ACTIVITY_TABLE, document | {CUSTOMER_ID: customer_id}),
        is_waiting=customer_id is None,
        is_replayed=is_replayed,
    )
