"""How long a write counts (S2, S3)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from topcoat.core import catalog, errors
from topcoat.core.overlay import lifetime

MICROSECOND = timedelta(microseconds=1)
DAYS_30 = timedelta(days=30)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)

aware_instants = st.timedeltas(timedelta(days=-700_000), timedelta(days=2_900_000)).map(make.NOW.__add__)


@pytest.mark.parametrize(
    ("valid_until", "is_live"),
    [
        (make.NOW - MICROSECOND, False),
        (make.NOW, False),
        (make.NOW + MICROSECOND, True),
    ],
)
def test_a_write_no_longer_counts_at_its_last_instant(valid_until: datetime, is_live: bool) -> None:
    """S2: the interval is half open."""
    assert lifetime.is_live(valid_until, make.NOW) is is_live


@given(aware_instants, aware_instants, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1)))
def test_what_has_lapsed_stays_lapsed(valid_until: datetime, now: datetime, later: timedelta) -> None:
    """S2."""
    was_live = lifetime.is_live(valid_until, now)

    is_live = lifetime.is_live(valid_until, now + later)

    assert was_live or not is_live


def test_defaults_are_four_hours_for_a_change_and_thirty_days_for_an_activity() -> None:
    """S3."""
    assert timedelta(hours=4) == lifetime.PROFILE_LIFETIME
    assert lifetime.ACTIVITY_LIFETIME == lifetime.LIFETIME_MAX == DAYS_30


def test_a_write_without_valid_until_counts_for_the_default_lifetime() -> None:
    """S3."""
    settled = lifetime.settle_valid_until(now=make.NOW, requested=None, default=timedelta(hours=4))

    assert settled == make.NOW + timedelta(hours=4)


@pytest.mark.parametrize(
    "requested",
    [make.NOW + MICROSECOND, make.NOW + timedelta(days=10), make.NOW + DAYS_30 - MICROSECOND, make.NOW + DAYS_30],
)
def test_a_valid_until_of_up_to_thirty_days_ahead_is_taken_as_it_is(requested: datetime) -> None:
    """S3."""
    settled = lifetime.settle_valid_until(now=make.NOW, requested=requested, default=timedelta(hours=4))

    assert settled == requested


@pytest.mark.parametrize(
    "requested",
    [
        datetime.min.replace(tzinfo=UTC),
        make.NOW - timedelta(days=1),
        make.NOW - MICROSECOND,
        make.NOW,
        make.NOW + DAYS_30 + MICROSECOND,
        make.NOW + DAYS_30 + timedelta(seconds=1),
        LAST_INSTANT,
    ],
)
def test_a_valid_until_that_is_past_or_too_far_ahead_is_refused(requested: datetime) -> None:
    """S3."""
    with pytest.raises(errors.ValidUntilOutOfRange):
        lifetime.settle_valid_until(now=make.NOW, requested=requested, default=timedelta(hours=4))


def test_a_refused_valid_until_is_told_what_would_have_been_taken() -> None:
    """S3."""
    with pytest.raises(errors.ValidUntilOutOfRange) as refused:
        lifetime.settle_valid_until(now=make.NOW, requested=make.NOW, default=timedelta(hours=4))

    assert refused.value.message == (
        "validUntil 2026-11-24T12:00:00Z is out of range: "
        "it must be after 2026-11-24T12:00:00Z and at most 30 days ahead (2026-12-24T12:00:00Z)."
    )
    assert refused.value.target == "validUntil"


@given(aware_instants, st.none() | aware_instants, st.timedeltas(min_value=MICROSECOND, max_value=DAYS_30))
def test_a_settled_valid_until_is_ahead_by_at_most_thirty_days(
    now: datetime, requested: datetime | None, default: timedelta
) -> None:
    """S3."""
    try:
        settled = lifetime.settle_valid_until(now=now, requested=requested, default=default)
    except errors.ValidUntilOutOfRange:
        assert requested is not None
        assert not now < requested <= now + DAYS_30
    else:
        assert now < settled <= now + DAYS_30


def test_at_the_end_of_the_calendar_a_lifetime_ends_with_it() -> None:
    now = LAST_INSTANT - timedelta(days=1)

    by_default = lifetime.settle_valid_until(now=now, requested=None, default=DAYS_30)
    by_request = lifetime.settle_valid_until(now=now, requested=LAST_INSTANT, default=DAYS_30)

    assert by_default == by_request == LAST_INSTANT


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2030-01-02T03:04:05Z", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2030-01-02T03:04:05+00:00", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2030-01-02T03:04:05-08:00", datetime(2030, 1, 2, 11, 4, 5, tzinfo=UTC)),
        ("2030-01-02T03:04:05.678Z", datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)),
        ("2030-01-02 03:04:05+00:00", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2030-01-02 03:04:05", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2030-01-02T03:04:05", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("  2030-01-02T03:04:05Z\n", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_valid_until_may_have_a_blank_for_t_and_no_offset(text: str, instant: datetime) -> None:
    """S3: the vendor's own client sends Python's `str(datetime)`."""
    assert lifetime.parse_valid_until(text) == instant


@given(aware_instants, st.integers(-23, 23))
def test_what_the_published_client_sends_for_an_instant_is_that_instant(instant: datetime, hours: int) -> None:
    """S3."""
    local = instant.astimezone(timezone(timedelta(hours=hours)))

    assert lifetime.parse_valid_until(str(local)) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "tomorrow",
        "null",
        "1893556800",
        "2030-01-02",
        "2030-01-02T03",
        "2030-02-30T00:00:00Z",
        "2030-01-02T24:00:00Z",
        "2030-01-02T03:04:05 00:00",
        "2030-01-02\x0003:04:05Z",
        "2030-01-02T03:04:05+25:00",
        "2030-W01-3T03:04:05Z",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
        "P30D",
        "\ud800",
    ],
)
def test_an_unreadable_valid_until_is_refused(text: str) -> None:
    """S3."""
    with pytest.raises(errors.ValidUntilUnreadable) as refused:
        lifetime.parse_valid_until(text)

    assert refused.value.target == "validUntil"
    assert refused.value.message == (
        f"validUntil '{catalog.shown(text)}' is not an RFC 3339 date-time such as 2026-12-24T18:00:00Z."
    )


@given(
    st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|\+[0-9]{2}:[0-9]{2})?")
)
def test_any_text_is_an_aware_instant_or_is_refused(text: str) -> None:
    """S1, S3."""
    try:
        instant = lifetime.parse_valid_until(text)
    except errors.ValidUntilUnreadable:
        return

    assert instant.tzinfo is UTC
