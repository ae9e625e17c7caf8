"""SQL that makes activities, in the snapshot and in real time, and changes, live and lapsed."""

from typing import Final

from benchmarks.queries import profiles
from benchmarks.queries.numbers import instant_text, mixed, picked
from benchmarks.queries.scale import (
    CHANGED_EVERY,
    CHANGES_OF_ONE_MAX,
    GENERATION,
    HOT_ACTIVITIES,
    HOT_CUSTOMER,
    NOW_SQL,
    Scale,
)
from topcoat.core.catalog import CUSTOMER_ID
from topcoat.store.schema import GENERATION_OPEN

_CALLER: Final = "'benchmark'"
_DAY: Final = 86_400_000_000
_ACTIVITY_SPAN_SECONDS: Final = 3 * 365 * 86_400
_TYPES: Final = ("SalesOrder", "Feedback", "Loyalty", "Appointment")
_GOODS: Final = ("Espresso beans", "Filter papers", "Grinder", "Kettle", "Travel mug")


def insert_snapshot_activities(instance_id: int, scale: Scale) -> str:
    """Those from `$1` to `$2`."""
    return f"""
INSERT INTO snapshot_activity (instance_id, activity_id, customer_id, generation_from, generation_to, activity_time,
                               activity_type, digest, document)
SELECT {instance_id}, activity_id, customer_id, {GENERATION}, {GENERATION_OPEN}, activity_time,
       kind, decode(md5(document::text), 'hex'), document
FROM ({_activities("r", scale)}) AS made
"""


def insert_realtime_activities(instance_id: int, scale: Scale) -> str:
    """Those from `$1` to `$2`; their sequences are their numbers.

    All of the hot customer are live, and half of the others. Every fifth of the hot customer and every tenth of the
    others is in the snapshot, too.
    """
    number = f"""CASE WHEN r <= {HOT_ACTIVITIES} AND r % 5 = 0 OR r > {HOT_ACTIVITIES} AND r % 10 = 0
                      THEN r ELSE {scale.activities} + r END"""
    return f"""
INSERT INTO realtime_activity (instance_id, activity_id, customer_id, sequence, activity_time, activity_type,
                               valid_until, recorded_at, caller, document)
SELECT {instance_id}, activity_id, customer_id, r, activity_time, kind,
       {_valid_until(f"r <= {HOT_ACTIVITIES} OR {mixed('r', 55)} % 2 = 0", "r", scale)},
       {_recorded_at("r", scale)}, {_CALLER}, document
FROM ({_activities(number, scale)}) AS made
"""


def _activities(number: str, scale: Scale) -> str:
    """Numbers up to `scale.activities` are those of the snapshot."""
    is_hot = f"n <= {HOT_ACTIVITIES} OR n > {scale.activities} AND n <= {scale.activities + HOT_ACTIVITIES}"
    owner = f"(CASE WHEN {is_hot} THEN {HOT_CUSTOMER} ELSE 1 + {mixed('n', 50)} % {scale.profiles} END)"
    return f"""
    SELECT r, activity_id, customer_id, seconds * 1000000 AS activity_time, kind,
           jsonb_build_object(
               'ActivityId', activity_id, '{CUSTOMER_ID}', customer_id, 'ActivityTime', {instant_text("seconds")},
               'ActivityType', kind, 'ActivityTypeDisplay', kind, 'Title', {picked(_GOODS, "n", 52)},
               'Description', 'Order of ' || 1 + {mixed("n", 53)} % 9 || ' pieces, paid by card',
               'ExternalUrl', 'https://example.com/orders/' || n) AS document
    FROM (
        SELECT r, n, md5('activity ' || n) AS activity_id, {profiles.customer_id(owner)} AS customer_id,
               {NOW_SQL} / 1000000 - {mixed("n", 51)} % {_ACTIVITY_SPAN_SECONDS} AS seconds,
               {picked(_TYPES, "n", 54)} AS kind
        FROM (SELECT r, {number} AS n FROM generate_series($1::bigint, $2::bigint) AS r) AS numbered OFFSET 0
    ) AS owned OFFSET 0
"""


def insert_overrides(instance_id: int, scale: Scale) -> str:
    """All of them, the live and the lapsed in one random order of sequences, behind those of the activities.

    Half of the lapsed ones are of profiles that have live ones, too.
    """
    somebody = f"1 + {mixed('k', 71)} % {scale.profiles}"
    somebody_changed = f"{CHANGED_EVERY} * (1 + {mixed('k', 72)} % {scale.changed_profiles})"
    return f"""
INSERT INTO override (instance_id, customer_id, sequence, valid_until, recorded_at, caller, column_values)
SELECT {instance_id}, {profiles.customer_id("number")}, sequence,
       {_valid_until("is_live", "sequence", scale)}, {_recorded_at("sequence", scale)}, {_CALLER},
       {_column_values("sequence")}
FROM (
    SELECT number, is_live,
           {scale.realtime_activities} + row_number() OVER (ORDER BY {mixed("k", 70)}, k) AS sequence
    FROM (
        SELECT true AS is_live, {CHANGED_EVERY} * c AS number, {CHANGES_OF_ONE_MAX} * c + i AS k
        FROM generate_series(1, {scale.changed_profiles}::bigint) AS c
        CROSS JOIN LATERAL generate_series(1, 1 + {mixed("c", 73)} % {CHANGES_OF_ONE_MAX}) AS i
        UNION ALL
        SELECT false, CASE WHEN k % 2 = 0 THEN {somebody_changed} ELSE {somebody} END, -k
        FROM generate_series(1, {scale.lapsed_overrides}::bigint) AS k
    ) AS either
) AS changes
"""


def _recorded_at(sequence: str, scale: Scale) -> str:
    """Within the last day, in the order of the sequences."""
    return f"({NOW_SQL} - {_DAY} + {sequence} * {_DAY // (scale.sequence_max + 1)})"


def _valid_until(is_live: str, number: str, scale: Scale) -> str:
    """One minute to two hours ahead, or at some time between the recording and now."""
    recorded_at = _recorded_at(number, scale)
    ahead = f"{NOW_SQL} + 60000000 + {mixed(number, 60)} * 1000 % 7140000000"
    behind = f"{recorded_at} + ({NOW_SQL} - {recorded_at}) / 1000 * ({mixed(number, 61)} % 1000)"
    return f"CASE WHEN {is_live} THEN {ahead} ELSE {behind} END"


def _column_values(number: str) -> str:
    last_name = profiles.last_name(number, 81)
    points = f"{mixed(number, 83)} % {profiles.POINTS_MAX}"
    tier = picked(profiles.TIERS, number, 84)
    return f"""
    CASE {mixed(number, 80)} % 8
        WHEN 0 THEN jsonb_build_object('LastName', {last_name}, 'FullName', 'Alex ' || {last_name})
        WHEN 1 THEN jsonb_build_object('LoyaltyTier', {tier}, 'RewardsPoints', {points})
        WHEN 2 THEN jsonb_build_object('RewardsPoints', {points})
        WHEN 3 THEN jsonb_build_object('Telephone', '+1 425 555 ' || {mixed(number, 85)} % 10000)
        WHEN 4 THEN jsonb_build_object('EMail', NULL)
        ELSE jsonb_build_object('City', {profiles.city(number, 86)}, 'AddressLine1', '1 New Street')
    END"""
