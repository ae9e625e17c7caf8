"""What becomes of raw source tables, as the stages of a refresh know it; what does it is heavy to load."""

from typing import Protocol

from topcoat.core.insights.evaluated import Totals
from topcoat.core.insights.plan import Plan


class Steps(Protocol):
    async def pull(self) -> None: ...

    async def deduplicate(self) -> None: ...

    async def match(self) -> None: ...

    async def merge(self) -> None: ...

    async def enrich(self) -> None: ...

    async def write_profiles(self) -> None: ...

    async def write_activities(self) -> None: ...

    async def compute(self, plan: Plan) -> Totals:
        """What the plan's definitions come to; nothing is written yet."""

    async def write_measures(self) -> None: ...

    async def write_memberships(self) -> None: ...

    async def remember(self) -> None:
        """Keep what the next refresh may save itself, once the generation is active."""
