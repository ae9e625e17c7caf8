"""What became of changes and activities when a refresh was held against them (S9), page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from topcoat.clock import Clock
from topcoat.core import catalog, errors
from topcoat.core.overlay.override import View
from topcoat.core.overlay.reconciliation import Kind, Outcome, Reconciled
from topcoat.flows.query import continuation
from topcoat.flows.query.continuation import Continuation
from topcoat.store import generations, instances, signing_keys
from topcoat.store import reconciliation as reconciliation_store
from topcoat.store.engine import Store
from topcoat.store.generations import Judged
from topcoat.store.instances import Stand
from topcoat.store.reconciliation import START, Position


@dataclass(frozen=True, slots=True)
class Asked:
    """`generation` is None for the active one, `kind` and `outcome` for all."""

    generation: int | None
    kind: Kind | None
    outcome: Outcome | None
    top: int
    skiptoken: str | None


@dataclass(frozen=True, slots=True)
class ReconciliationPage:
    """`judged` is of the last refresh up to the generation; None where an earlier version made it."""

    generation: int
    judged: Judged | None
    rows: Sequence[Reconciled]
    next_token: str | None


class Reconciliation:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def list_reconciled(self, guid: str, asked: Asked) -> ReconciliationPage:
        """Raise `NotRefreshed`, `ContinuationInvalid`, or `ParameterInvalid` for a generation that is not kept."""
        following = await self._verified(guid, asked)
        async with self._store.reading() as connection:
            stand = await instances.find_stand(connection, guid)
            if stand is None:
                raise errors.InstanceNotFound(instance=catalog.shown(guid))
            generation, after = _where(stand, asked, following)
            refreshed = await generations.find_refreshed(connection, stand.instance_id, generation)
            if refreshed is None:
                raise _not_kept(generation)
            rows = await reconciliation_store.list_reconciled(
                connection,
                stand.instance_id,
                generation,
                kind=asked.kind,
                outcome=asked.outcome,
                after=after,
                limit=asked.top + 1,
            )
        shown = rows[: asked.top]
        next_token = await self._signed(guid, asked, generation, shown[-1]) if len(rows) > asked.top else None
        return ReconciliationPage(generation, refreshed.judged, shown, next_token)

    async def _verified(self, guid: str, asked: Asked) -> Continuation | None:
        if asked.skiptoken is None:
            return None
        return continuation.verify(
            asked.skiptoken,
            question=_question(guid, asked),
            secret=await self._get_secret(),
            system_now=self._clock.system_now(),
        )

    async def _signed(self, guid: str, asked: Asked, generation: int, last: Reconciled) -> str:
        """A generation's rows never change, so that it is all there is to pin."""
        system_now = self._clock.system_now()
        record = {"customerId": last.customer_id, "sequence": last.sequence, "column": last.column or ""}
        following = Continuation(View(generation, last.sequence, system_now), record, remaining=None)
        secret = await self._get_secret()
        return continuation.sign(following, question=_question(guid, asked), secret=secret, system_now=system_now)

    async def _get_secret(self) -> bytes:
        return await signing_keys.get_signing_key(self._store, continuation.PURPOSE, self._clock.system_now())


def _where(stand: Stand, asked: Asked, following: Continuation | None) -> tuple[int, Position]:
    """The generation and the position from behind which to go on."""
    if following is not None:
        record = following.record
        return following.view.generation, (record["customerId"], record["sequence"], record["column"])
    if stand.generation is None:
        raise errors.NotRefreshed
    return stand.generation if asked.generation is None else asked.generation, START


def _question(guid: str, asked: Asked) -> str:
    """The number of rows may be another on each page."""
    return f"reconciliation of {guid}: {asked.generation}, {asked.kind}, {asked.outcome}"


def _not_kept(generation: int) -> errors.ParameterInvalid:
    expected = "the number of a generation that is kept"
    return errors.ParameterInvalid(parameter="generation", found=str(generation), expected=expected)
