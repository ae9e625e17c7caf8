"""How a refresh says how far it is: the command line draws bars, and a job keeps rows."""

from typing import Protocol

from topcoat.flows.refresh.report import RunReport
from topcoat.store.engine import WriteConnection


class Progress(Protocol):
    def start(self, stage: str, total: int, unit: str) -> None:
        """A step of `total` units, `bytes` or `rows`, begins; the one before is over."""

    def advance(self, amount: int) -> None: ...


class Reporter(Protocol):
    """Told what becomes of each stage; one that is skipped may have been started. What it raises ends the refresh."""

    async def started(self, stage: str) -> None: ...

    async def ended(self, stage: str) -> None: ...

    async def skipped(self, stage: str, reason: str) -> None: ...

    async def failed(self, stage: str, error: Exception) -> None: ...

    async def activating(self, connection: WriteConnection, generation: int) -> None:
        """In the transaction that activates what was written."""

    async def finished(self, report: RunReport) -> None:
        """Behind all else, also where the refresh failed. It raises nothing."""


class Silent:
    """Says nothing."""

    def start(self, stage: str, total: int, unit: str) -> None:
        pass

    def advance(self, amount: int) -> None:
        pass

    async def started(self, stage: str) -> None:
        pass

    async def ended(self, stage: str) -> None:
        pass

    async def skipped(self, stage: str, reason: str) -> None:
        pass

    async def failed(self, stage: str, error: Exception) -> None:
        pass

    async def activating(self, connection: WriteConnection, generation: int) -> None:
        pass

    async def finished(self, report: RunReport) -> None:
        pass
