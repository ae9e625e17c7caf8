"""One transaction of the group commit: lock, look where the instance stands, insert, count on (S6, S30)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER, Document, shown
from topcoat.core.idempotency import RequestKey
from topcoat.core.mapping import CustomerReference
from topcoat.core.overlay import lifetime, override
from topcoat.core.overlay.override import View
from topcoat.store import activities, idempotency, instances, overrides
from topcoat.store.activities import Batch, NewActivity
from topcoat.store.changes import Change
from topcoat.store.idempotency import KeptAnswer, NewAnswer
from topcoat.store.instances import Stand
from topcoat.store.point import PointWriter


@dataclass(frozen=True, slots=True)
class OverrideWrite:
    """A change that was checked against the catalog of `generation`."""

    generation: int
    customer_id: str
    columns: Document
    valid_until: datetime | None
    caller: str | None
    principal: str
    key: RequestKey | None = None


@dataclass(frozen=True, slots=True)
class ActivityWrite:
    """An activity that was checked against the catalog of `generation`; see `NewActivity` for its parts."""

    generation: int
    customer_id: str | None
    customer: CustomerReference | None
    activity_id: str
    activity_time: datetime
    activity_type: str | None
    source_table: str | None
    document: Document
    valid_until: datetime | None
    caller: str | None
    principal: str
    key: RequestKey | None = None


@dataclass(frozen=True, slots=True)
class WithdrawalWrite:
    released_sequence: int
    principal: str
    key: None = None


WriteRequest = OverrideWrite | ActivityWrite | WithdrawalWrite


@dataclass(frozen=True, slots=True)
class Written:
    """`customer_id` is None for an activity that waits for its customer."""

    sequence: int
    customer_id: str | None


class GenerationMoved(Exception):
    """A refresh was activated after the write was checked; check it again and send it anew."""


NewWrite = overrides.NewOverride | NewActivity
Outcome = Written | KeptAnswer | errors.TopcoatError | GenerationMoved


async def commit_batch(
    connection: PointWriter, guid: str, writes: Sequence[WriteRequest], clock: Clock
) -> list[Outcome]:
    """Run inside one transaction that holds the instance's lock; the outcomes hold once it is committed.

    No two of the writes have the same idempotency key.
    """
    stand = await instances.find_stand(connection, guid)
    if stand is None:
        return [errors.InstanceNotFound(instance=shown(guid)) for _ in writes]
    recorded_at = max(clock.now(stand.service_time), stand.recorded_at)
    run = _Run(connection, stand, recorded_at)
    outcomes = await run.write_all(writes)
    if run.sequence > stand.sequence:
        await instances.advance_counter(connection, stand.instance_id, sequence=run.sequence, recorded_at=recorded_at)
        await connection.announce(Change(stand.instance_id, _customers(outcomes), run.sequence))
    return outcomes


def _customers(outcomes: Sequence[Outcome]) -> frozenset[str]:
    """Those whose profile or timeline was written to."""
    written = (outcome.customer_id for outcome in outcomes if isinstance(outcome, Written))
    return frozenset(customer_id for customer_id in written if customer_id is not None)


class _Run:
    def __init__(self, connection: PointWriter, stand: Stand, recorded_at: datetime) -> None:
        self._connection = connection
        self._stand = stand
        self._batch = Batch(stand.instance_id, stand.generation or 0, recorded_at)
        self.sequence = stand.sequence

    async def write_all(self, writes: Sequence[WriteRequest]) -> list[Outcome]:
        outcomes = await self._find_answered(writes)
        new_overrides: dict[int, overrides.NewOverride] = {}
        new_activities: dict[int, NewActivity] = {}
        withdrawals: dict[int, WithdrawalWrite] = {}
        for place, write in enumerate(writes):
            if place in outcomes:
                continue
            try:
                match write:
                    case OverrideWrite():
                        new_overrides[place] = self._new_override(write)
                    case ActivityWrite():
                        new_activities[place] = self._new_activity(write)
                    case WithdrawalWrite():
                        withdrawals[place] = write
            except (errors.TopcoatError, GenerationMoved) as error:
                outcomes[place] = error
        outcomes |= await self._insert_overrides(new_overrides)
        outcomes |= await self._insert_activities(new_activities)
        for place, withdrawal in withdrawals.items():
            outcomes[place] = await self._withdraw(withdrawal)
        await self._keep_answers(writes, outcomes, {**new_overrides, **new_activities})
        return [outcomes[place] for place in range(len(writes))]

    async def _find_answered(self, writes: Sequence[WriteRequest]) -> dict[int, Outcome]:
        """Writes that happened before, under the same key: they answer as they did then."""
        keys = {place: write.key for place, write in enumerate(writes) if write.key is not None}
        if not keys:
            return {}
        kept = await idempotency.find_answers(
            self._connection, self._batch.instance_id, self._batch.recorded_at, list(keys.values())
        )
        return {place: _again(key, kept[key.key]) for place, key in keys.items() if key.key in kept}

    async def _keep_answers(
        self, writes: Sequence[WriteRequest], outcomes: Mapping[int, Outcome], new: Mapping[int, NewWrite]
    ) -> None:
        answers = [
            _new_answer(key, new[place], outcome)
            for place, outcome in outcomes.items()
            if isinstance(outcome, Written) and (key := writes[place].key) is not None
        ]
        if answers:
            await idempotency.keep_answers(self._connection, self._batch.instance_id, answers)

    def _new_override(self, write: OverrideWrite) -> overrides.NewOverride:
        self._check_generation(write.generation)
        valid_until = lifetime.settle_valid_until(
            now=self._batch.recorded_at, requested=write.valid_until, default=self._stand.profile_lifetime
        )
        return overrides.NewOverride(
            sequence=self._next_sequence(),
            customer_id=write.customer_id,
            valid_until=valid_until,
            caller=write.caller,
            principal=write.principal,
            columns=write.columns,
        )

    def _new_activity(self, write: ActivityWrite) -> NewActivity:
        self._check_generation(write.generation)
        valid_until = lifetime.settle_valid_until(
            now=self._batch.recorded_at, requested=write.valid_until, default=self._stand.activity_lifetime
        )
        return NewActivity(
            sequence=self._next_sequence(),
            customer_id=write.customer_id,
            customer=write.customer,
            activity_id=write.activity_id,
            activity_time=write.activity_time,
            activity_type=write.activity_type,
            source_table=write.source_table,
            valid_until=valid_until,
            caller=write.caller,
            principal=write.principal,
            document=write.document,
        )

    def _check_generation(self, generation: int) -> None:
        if generation != self._stand.generation:
            raise GenerationMoved

    def _next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    async def _insert_overrides(self, new: dict[int, overrides.NewOverride]) -> dict[int, Outcome]:
        if not new:
            return {}
        inserted = await overrides.insert_overrides(
            self._connection,
            instance_id=self._batch.instance_id,
            generation=self._batch.generation,
            recorded_at=self._batch.recorded_at,
            overrides=list(new.values()),
        )
        return {
            place: Written(o.sequence, o.customer_id)
            if o.sequence in inserted
            else errors.RecordNotFound(table=CUSTOMER, record_id=shown(o.customer_id))
            for place, o in new.items()
        }

    async def _insert_activities(self, new: dict[int, NewActivity]) -> dict[int, Outcome]:
        if not new:
            return {}
        inserted = await activities.insert_activities(self._connection, self._batch, list(new.values()))
        outcomes: dict[int, Outcome] = {
            place: Written(activity.sequence, inserted[activity.sequence])
            for place, activity in new.items()
            if activity.sequence in inserted
        }
        refused = {place: activity for place, activity in new.items() if place not in outcomes}
        return outcomes | await self._explain_refused(refused)

    async def _explain_refused(self, refused: dict[int, NewActivity]) -> dict[int, Outcome]:
        """Why the insert left an activity out: its id is taken, or its customer is not (yet) known."""
        if not refused:
            return {}
        named = await activities.find_named_profiles(self._connection, self._batch, list(refused.values()))
        waiting = [a for a in refused.values() if a.customer is not None and a.sequence not in named]
        if waiting:
            await activities.insert_waiting(self._connection, self._batch, waiting)
        return {place: _refusal(a, is_known=a.sequence in named) for place, a in refused.items()}

    async def _withdraw(self, write: WithdrawalWrite) -> Outcome:
        """Withdraw a change that still counts; a lapsed, withdrawn or confirmed one is not found (S9)."""
        instance_id = self._batch.instance_id
        change = await overrides.find_override(self._connection, instance_id, write.released_sequence)
        if change is None or not await self._counts(change):
            return errors.ChangeNotFound(sequence=write.released_sequence)
        release = overrides.NewRelease(
            sequence=self._next_sequence(),
            customer_id=change.customer_id,
            released_sequence=change.sequence,
            principal=write.principal,
        )
        await overrides.insert_releases(
            self._connection,
            instance_id=instance_id,
            recorded_at=self._batch.recorded_at,
            releases=[release],
        )
        return Written(release.sequence, change.customer_id)

    async def _counts(self, change: override.Override) -> bool:
        releases = await overrides.list_releases(self._connection, self._batch.instance_id, change.customer_id)
        view = View(self._batch.generation, self.sequence, self._batch.recorded_at)
        return bool(override.live_overrides([change], releases, view))


def _again(key: RequestKey, kept: KeptAnswer) -> Outcome:
    try:
        return idempotency.answer_again(key, kept)
    except errors.IdempotencyKeyReused as error:
        return error


def _new_answer(key: RequestKey, new: NewWrite, written: Written) -> NewAnswer:
    answer = NewAnswer(key, written.sequence, new.valid_until, written.customer_id)
    if isinstance(new, NewActivity):
        return replace(answer, activity_id=new.activity_id, document=new.document)
    return answer


def _refusal(activity: NewActivity, *, is_known: bool) -> Outcome:
    if is_known:
        return errors.ActivityExists(activity_id=shown(activity.activity_id))
    if activity.customer is not None:
        return Written(activity.sequence, None)
    return errors.UnknownCustomer(customer_id=shown(activity.customer_id or ""))
