"""How long a write counts (S2, S3)."""

from datetime import UTC, datetime, timedelta

from topcoat.core import catalog, errors

LIFETIME_MAX = timedelta(days=30)
PROFILE_LIFETIME = timedelta(hours=4)
ACTIVITY_LIFETIME = timedelta(days=30)


def is_live(valid_until: datetime, now: datetime) -> bool:
    """Half open: at `valid_until` itself it no longer counts."""
    return now < valid_until


def parse_valid_until(text: str) -> datetime:
    """Read the wire's `validUntil`: RFC 3339, a blank allowed for `T`, UTC without an offset."""
    try:
        return catalog.parse_instant(text.strip())
    except ValueError:
        raise errors.ValidUntilUnreadable(value=catalog.shown(text)) from None


def settle_valid_until(*, now: datetime, requested: datetime | None, default: timedelta) -> datetime:
    """The end of a write's lifetime; raise `ValidUntilOutOfRange` for one that is past or too far ahead."""
    if requested is None:
        return later(now, default)
    latest = later(now, LIFETIME_MAX)
    if not now < requested <= latest:
        raise errors.ValidUntilOutOfRange(
            value=catalog.format_instant(requested),
            now=catalog.format_instant(now),
            latest=catalog.format_instant(latest),
        )
    return requested


def later(instant: datetime, duration: timedelta) -> datetime:
    try:
        return instant + duration
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
