"""What the numbers of a column look like, from blocks of them in order."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

BINS: Final = 10
QUANTILES_PER_MILLE: Final = (1, 10, 50, 250, 500, 750, 950, 990, 999)


@dataclass(frozen=True, slots=True)
class Block:
    """How many records have a number from `lowest` to `highest`, which are one number where the block is exact."""

    lowest: float
    highest: float
    records: int

    @property
    def middle(self) -> float:
        return self.lowest if self.lowest == self.highest else self.lowest / 2 + self.highest / 2


@dataclass(frozen=True, slots=True)
class Bin:
    lower: float
    upper: float
    records: int


@dataclass(frozen=True, slots=True)
class Moments:
    """Of the records as a whole, not as a sample; `kurtosis` is zero for a normal distribution.

    None is what does not exist, of equal numbers for one, or is beyond a double.
    """

    mean: float
    standard_deviation: float | None
    variance: float | None
    skewness: float | None
    kurtosis: float | None


@dataclass(frozen=True, slots=True)
class NumberProfile:
    """`quantiles` by per mille."""

    quantiles: dict[int, float]
    moments: Moments
    histogram: list[Bin]
    is_exact: bool


def profile_numbers(blocks: Sequence[Block]) -> NumberProfile | None:
    """None of no numbers; the blocks are in order and do not overlap."""
    if not blocks:
        return None
    return NumberProfile(
        quantiles=_quantiles(blocks),
        moments=_moments(blocks),
        histogram=_histogram(blocks),
        is_exact=all(block.lowest == block.highest for block in blocks),
    )


def _quantiles(blocks: Sequence[Block]) -> dict[int, float]:
    """The least number that is not below such a share of all."""
    reached = list(accumulate(block.records for block in blocks))
    ranks = {share: -(-share * reached[-1] // 1000) for share in QUANTILES_PER_MILLE}
    return {share: blocks[bisect_left(reached, rank)].middle for share, rank in ranks.items()}


def _moments(blocks: Sequence[Block]) -> Moments:
    """Of numbers scaled to at most 1, which no power brings beyond a double."""
    scale = max(abs(blocks[0].lowest), abs(blocks[-1].highest)) or 1.0
    scaled = [(block.middle / scale, block.records) for block in blocks]
    total = sum(block.records for block in blocks)
    mean = math.fsum(number * records for number, records in scaled) / total

    def central(power: int) -> float:
        return math.fsum((number - mean) ** power * records for number, records in scaled) / total

    spread = 0.0 if blocks[0].lowest == blocks[-1].highest else central(2)
    return Moments(
        mean=mean * scale,
        standard_deviation=_finite(math.sqrt(spread) * scale),
        variance=_finite(spread * scale * scale),
        skewness=central(3) / spread**1.5 if spread else None,
        kurtosis=central(4) / spread**2 - 3 if spread else None,
    )


def _histogram(blocks: Sequence[Block]) -> list[Bin]:
    """Bins of one width, the upper bound outside but for the last; one bin of equal numbers."""
    lowest, highest = blocks[0].lowest, blocks[-1].highest
    if lowest == highest:
        return [Bin(lowest, highest, sum(block.records for block in blocks))]
    half = highest / 2 - lowest / 2  # the whole may be beyond a double
    bounds = [min(2 * (lowest / 2 + half * (place / BINS)), highest) for place in range(1, BINS)]
    counts = [0] * BINS
    for block in blocks:
        counts[bisect_right(bounds, block.middle)] += block.records
    edges = [lowest, *bounds, highest]
    return [Bin(edges[place], edges[place + 1], counts[place]) for place in range(BINS)]


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
