"""Pages, each of which goes on where the one before ended, in what that one saw (S25)."""

from dataclasses import dataclass, replace

from topcoat.clock import Clock
from topcoat.core.catalog import Document
from topcoat.core.odata.options import QueryOptions
from topcoat.flows.query import continuation, plan
from topcoat.flows.query.continuation import Continuation
from topcoat.flows.query.plan import ReadPlan
from topcoat.flows.query.sight import Sight, Sights
from topcoat.store import signing_keys
from topcoat.store.engine import Store


@dataclass(frozen=True, slots=True)
class Page:
    """`next_token` goes out as `$skiptoken`, where there is more; `count` is there where it was asked for."""

    records: list[Document]
    count: int | None
    next_token: str | None


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a page begins; `question` is what its tokens are bound to."""

    sight: Sight
    question: str
    token: Continuation | None

    @property
    def after(self) -> Document | None:
        """What says where the last record stands that was shown before."""
        return None if self.token is None else self.token.record

    def limited(self, planned: ReadPlan) -> ReadPlan:
        """The plan for what the pages before left of `$top`."""
        return planned if self.token is None else replace(planned, top=self.token.remaining)


class Pages:
    """Opens pages, and gives out the tokens that lead to the next."""

    def __init__(self, store: Store, sights: Sights, clock: Clock) -> None:
        self._store = store
        self._sights = sights
        self._clock = clock
        self._secret: bytes | None = None

    async def open(self, instance: str, asked: object, options: QueryOptions) -> Opening:
        """`asked` is what the options are asked of; raise `ContinuationInvalid`."""
        question = _question(instance, asked, options)
        token = await self._verified(options.skiptoken, question)
        as_of, pinned = plan.parse_as_of(options.as_of), None if token is None else token.view
        sight = await self._sights.look(instance, as_of=as_of, pinned=pinned)
        return Opening(sight, question, token)

    async def next_token(self, opening: Opening, planned: ReadPlan, last: Document | None, *, shown: int) -> str | None:
        """`last` says where the last of the records shown stands, None where there are no more."""
        if last is None or (planned.top is not None and planned.top <= shown):
            return None
        remaining = None if planned.top is None else planned.top - shown
        return continuation.sign(
            Continuation(opening.sight.view, last, remaining),
            question=opening.question,
            secret=await self._get_secret(),
            system_now=self._clock.system_now(),
        )

    async def _verified(self, token: str | None, question: str) -> Continuation | None:
        if token is None:
            return None
        secret, now = await self._get_secret(), self._clock.system_now()
        return continuation.verify(token, question=question, secret=secret, system_now=now)

    async def _get_secret(self) -> bytes:
        if self._secret is None:
            now = self._clock.system_now()
            self._secret = await signing_keys.get_signing_key(self._store, continuation.PURPOSE, now)
        return self._secret


def _question(instance: str, asked: object, options: QueryOptions) -> str:
    """What a token is bound to: everything but the token itself, `$skip` and the size of a page."""
    return repr((instance, asked, replace(options, skiptoken=None, skip=None, page_size=None)))
