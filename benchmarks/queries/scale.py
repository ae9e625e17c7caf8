"""How much there is of everything, and the instant at which it is asked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from topcoat.clock import to_microseconds

NOW: Final = datetime(2026, 7, 1, 12, tzinfo=UTC)
NOW_SQL: Final = str(to_microseconds(NOW))
GUID: Final = "7bdc0c5e-3c1f-4f0e-9d3a-6a1c5f0b2e10"
GENERATION: Final = 1

CHANGED_EVERY: Final = 20
CHANGES_OF_ONE_MAX: Final = 5
HOT_CUSTOMER: Final = 1
HOT_ACTIVITIES: Final = 5_000


@dataclass(frozen=True, slots=True)
class Scale:
    """What follows from the two sizes; for 1,000,000 profiles 50,000 with live changes, 300,000 lapsed changes."""

    profiles: int
    activities: int

    @property
    def changed_profiles(self) -> int:
        return self.profiles // CHANGED_EVERY

    @property
    def lapsed_overrides(self) -> int:
        return self.profiles * 3 // 10

    @property
    def realtime_activities(self) -> int:
        return max(self.activities // 25, 2 * HOT_ACTIVITIES)

    @property
    def sequence_max(self) -> int:
        """No sequence is higher."""
        return self.realtime_activities + self.lapsed_overrides + CHANGES_OF_ONE_MAX * self.changed_profiles
