"""The questions, each in OData for Topcoat and as the parts of a plain statement."""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from benchmarks.queries import indexes, profiles
from benchmarks.queries.scale import CHANGED_EVERY, HOT_CUSTOMER, Scale
from topcoat.core.catalog import CUSTOMER, UNIFIED_ACTIVITY
from topcoat.core.odata import options
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions

SEED: Final = 20260701
FAR_PAGE: Final = 100

_POINTS_FROM, _POINTS_TO = profiles.POINTS_MAX * 8 // 10, profiles.POINTS_MAX * 95 // 100


class Source(Enum):
    PROFILES = "profiles"
    ACTIVITIES = "activities"


@dataclass(frozen=True, slots=True)
class Asking:
    """One time that a question is asked: what varies, for Topcoat and for plain SQL."""

    address: RecordAddress
    options: QueryOptions
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """`condition` and `order` are SQL over the documents of the source; without an order the rows are counted.

    A `page` beyond the first is the one behind the key of the row before it. A look-up is of one customer. `at_floor`
    is the condition on the snapshot alone, `{instance}` standing for the instance's number, where it has an index that
    the merged record cannot have.
    """

    name: str
    source: Source
    condition: str
    order: tuple[str, ...]
    askings: Sequence[Asking]
    page: int = 1
    is_look_up: bool = False
    at_floor: str | None = None


Chance = random.Random


def list_questions(scale: Scale, repetitions: int) -> list[Question]:
    """The same for the same scale and number of repetitions."""
    return [
        *_look_ups(scale, repetitions),
        *_filters(repetitions),
        *_pages(),
        *_counts(repetitions),
    ]


def _look_ups(scale: Scale, repetitions: int) -> list[Question]:
    def anybody(chance: Chance) -> int:
        return chance.randrange(HOT_CUSTOMER + 1, scale.profiles + 1)

    def changed(chance: Chance) -> int:
        return CHANGED_EVERY * chance.randrange(1, scale.changed_profiles + 1)

    return [
        _point_read("one profile", anybody, repetitions),
        _point_read("one profile that has live changes", changed, repetitions),
        _timeline("timeline of a customer, first page", anybody, repetitions),
        _timeline("timeline of the customer with 10,000 activities, first page", lambda _: HOT_CUSTOMER, repetitions),
    ]


def _point_read(name: str, choose: Callable[[Chance], int], repetitions: int) -> Question:
    def ask(chance: Chance) -> Asking:
        customer_id = _customer_id(choose(chance))
        return Asking(RecordAddress(CUSTOMER, customer_id), QueryOptions(), (customer_id,))

    return Question(
        name, Source.PROFILES, "customer_id = $1", ("customer_id",), _asked(name, ask, repetitions), is_look_up=True
    )


def _timeline(name: str, choose: Callable[[Chance], int], repetitions: int) -> Question:
    def ask(chance: Chance) -> Asking:
        customer_id = _customer_id(choose(chance))
        return Asking(RecordAddress(CUSTOMER, customer_id, UNIFIED_ACTIVITY), QueryOptions(), (customer_id,))

    order = ("activity_time DESC", "activity_id DESC")
    return Question(name, Source.ACTIVITIES, "customer_id = $1", order, _asked(name, ask, repetitions), is_look_up=True)


def _filters(repetitions: int) -> list[Question]:
    city, last_name, points = _value("City"), _value("LastName"), _value("RewardsPoints")
    words = indexes.words(profiles.TABLE)

    def by_city(chance: Chance) -> Asking:
        name = chance.choice(profiles.CITIES)
        return _asking({"$filter": f"City eq '{name}'"}, name)

    def by_city_and_points(chance: Chance) -> Asking:
        name, least = chance.choice(profiles.CITIES), chance.randrange(_POINTS_FROM, _POINTS_TO)
        return _asking({"$filter": f"City eq '{name}' and RewardsPoints gt {least}"}, name, least)

    def by_part(chance: Chance) -> Asking:
        part = chance.choice(_RARE_PARTS)
        return _asking({"$filter": f"contains(LastName,'{part}')"}, part)

    def by_word(chance: Chance) -> Asking:
        word = chance.choice(profiles.LAST_NAMES)
        return _asking({"$search": word}, word)

    asked: list[tuple[str, str, Callable[[Chance], Asking], str | None]] = [
        ("City eq 'X', first page", f"{city} = $1", by_city, None),
        (
            "City eq 'X' and RewardsPoints gt N, first page",
            f"{city} = $1 AND {points} > $2::bigint",
            by_city_and_points,
            None,
        ),
        ("contains(LastName,'…'), a rare part, first page", f"{last_name} LIKE '%' || $1 || '%'", by_part, None),
        (
            "$search of a rare word, first page",
            f"{words} @@ plainto_tsquery('simple', $1)",
            by_word,
            "customer_id = ANY(ARRAY(SELECT w.customer_id FROM profile_search w"
            " WHERE w.instance_id = {instance} AND w.tokens && ARRAY[lower($1)]))",
        ),
    ]
    return [
        Question(name, Source.PROFILES, condition, ("customer_id",), _asked(name, ask, repetitions), at_floor=at_floor)
        for name, condition, ask, at_floor in asked
    ]


_RARE_PARTS: Final = profiles.rare_parts()


def _pages() -> list[Question]:
    """Nothing varies here, so one asking stands for all."""
    order, askings = (f"{_value('LastName')} NULLS FIRST", "customer_id"), [_asking({"$orderby": "LastName"})]
    return [
        Question("$orderby=LastName, first page", Source.PROFILES, "true", order, askings),
        Question(f"$orderby=LastName, page {FAR_PAGE}", Source.PROFILES, "true", order, askings, page=FAR_PAGE),
    ]


def _counts(repetitions: int) -> list[Question]:
    def by_city(chance: Chance) -> Asking:
        name = chance.choice(profiles.CITIES)
        return _asking({"$count": "true", "$top": "0", "$filter": f"City eq '{name}'"}, name)

    one_city, everybody = "$count of City eq 'X'", _asking({"$count": "true", "$top": "0"})
    return [
        Question("$count of all", Source.PROFILES, "true", (), [everybody]),
        Question(one_city, Source.PROFILES, f"{_value('City')} = $1", (), _asked(one_city, by_city, repetitions)),
    ]


def _asked(name: str, ask: Callable[[Chance], Asking], repetitions: int) -> list[Asking]:
    chance = random.Random(f"{SEED} {name}")
    return [ask(chance) for _ in range(repetitions)]


def _asking(items: dict[str, str], *arguments: object) -> Asking:
    return Asking(RecordAddress(CUSTOMER), options.parse_options(list(items.items())), arguments)


def _value(name: str) -> str:
    return indexes.value(profiles.TABLE, name)


def _customer_id(number: int) -> str:
    return hashlib.md5(f"customer {number}".encode()).hexdigest()
