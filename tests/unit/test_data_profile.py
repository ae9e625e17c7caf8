"""Quantiles, moments and histograms of numbers in blocks."""

import math
import statistics
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topcoat.core.data_profile import BINS, QUANTILES_PER_MILLE, Bin, Block, NumberProfile, profile_numbers

NUMBERS = st.lists(st.floats(-1e6, 1e6) | st.integers(-5, 5).map(float), min_size=1, max_size=60)
ANY_NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60)


def blocks_of(numbers: list[float], size: int = 1) -> list[Block]:
    """One block for that many different numbers."""
    counted = [(number, len(list(group))) for number, group in groupby(sorted(numbers))]
    chunks = [counted[place : place + size] for place in range(0, len(counted), size)]
    return [Block(chunk[0][0], chunk[-1][0], sum(count for _, count in chunk)) for chunk in chunks]


def profiled(numbers: list[float], size: int = 1) -> NumberProfile:
    profile = profile_numbers(blocks_of(numbers, size))
    assert profile is not None
    return profile


def test_no_numbers_have_no_profile() -> None:
    assert profile_numbers([]) is None


def test_numbers_of_one_value_have_one_bin_and_no_shape() -> None:
    profile = profiled([7.5, 7.5, 7.5])

    assert profile.histogram == [Bin(7.5, 7.5, 3)]
    assert set(profile.quantiles.values()) == {7.5}
    assert (profile.moments.mean, profile.moments.variance, profile.moments.standard_deviation) == (7.5, 0.0, 0.0)
    assert (profile.moments.skewness, profile.moments.kurtosis) == (None, None)


def test_the_numbers_from_one_to_a_thousand_are_as_the_books_say() -> None:
    profile = profiled([float(number) for number in range(1, 1001)])

    assert profile.quantiles == dict(zip(QUANTILES_PER_MILLE, map(float, QUANTILES_PER_MILLE), strict=True))
    assert [bin_.records for bin_ in profile.histogram] == [100] * BINS
    assert profile.moments.mean == pytest.approx(500.5)
    assert profile.moments.variance == pytest.approx(83333.25)
    assert profile.moments.skewness == pytest.approx(0)
    assert profile.moments.kurtosis == pytest.approx(-1.2, abs=1e-4)


@given(NUMBERS)
def test_moments_are_those_of_the_statistics_module(numbers: list[float]) -> None:
    moments = profiled(numbers).moments

    assert moments.mean == pytest.approx(statistics.fmean(numbers), abs=1e-6)
    assert moments.variance == pytest.approx(statistics.pvariance(numbers), rel=1e-6, abs=1e-6)
    assert moments.standard_deviation == pytest.approx(statistics.pstdev(numbers), rel=1e-6, abs=1e-3)


@given(NUMBERS)
def test_a_quantile_is_the_least_number_with_its_share_at_or_below_it(numbers: list[float]) -> None:
    ordered = sorted(numbers)

    for share, value in profiled(numbers).quantiles.items():
        assert value == ordered[math.ceil(share * len(ordered) / 1000) - 1]


@given(ANY_NUMBERS, st.integers(1, 7))
def test_every_number_is_in_one_bin_however_large_the_numbers_are(numbers: list[float], size: int) -> None:
    profile = profiled(numbers, size)

    bins = profile.histogram
    assert sum(bin_.records for bin_ in bins) == len(numbers)
    assert (bins[0].lower, bins[-1].upper) == (min(numbers), max(numbers))
    assert all(bin_.lower <= bin_.upper for bin_ in bins)
    assert all(left.upper == right.lower for left, right in pairwise(bins))


@given(NUMBERS, st.integers(2, 7))
def test_blocks_of_several_numbers_are_not_exact_and_no_block_off(numbers: list[float], size: int) -> None:
    profile, blocks = profiled(numbers, size), blocks_of(numbers, size)

    assert profile.is_exact is all(block.lowest == block.highest for block in blocks)
    exact = profiled(numbers)
    for share, value in profile.quantiles.items():
        [block] = [block for block in blocks if block.lowest <= exact.quantiles[share] <= block.highest]
        assert block.lowest <= value <= block.highest


def test_what_is_beyond_a_double_is_none() -> None:
    moments = profiled([-1.7e308, 1.7e308]).moments

    assert (moments.mean, moments.variance) == (0.0, None)
    assert moments.standard_deviation == pytest.approx(1.7e308)
    assert moments.kurtosis == pytest.approx(-2)
