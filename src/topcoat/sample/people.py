"""The people of Contoso Coffee as they really are, before any data source gets them wrong."""

import hashlib
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from topcoat.sample import words
from topcoat.sample.words import City

FIRST_DAY: Final = datetime(2019, 1, 1, tzinfo=UTC)
LAST_DAY_OF_JOINING: Final = datetime(2026, 6, 30, tzinfo=UTC)

_OLDEST: Final = date(1942, 1, 1)
_BIRTH_DAYS: Final = 365 * 64
_JOINING_DAYS: Final = (LAST_DAY_OF_JOINING - FIRST_DAY).days
_DAYS_UNTIL_ENROLMENT: Final = 90
_OPENING_SECOND, _CLOSING_SECOND = 7 * 3600, 20 * 3600
_SHARE_OF_HOUSEHOLDS: Final = 0.15
_SHARE_IN_BOTH_SOURCES: Final = 0.4
_SHARE_IN_CONTACTS_ONLY: Final = 0.45
_MERGED_EVERY: Final = 50
_MERGED_REMAINDER: Final = 7


@dataclass(frozen=True, slots=True)
class Address:
    line: str
    city: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class Person:
    """`is_contact` and `is_member` say which customer sources know the person: one of them at least."""

    number: int
    first_name: str
    last_name: str
    gender: str | None
    born_on: date
    email: str
    telephone: str
    address: Address
    joined_at: datetime
    enrolled_at: datetime
    is_contact: bool
    is_member: bool

    @property
    def customer_id(self) -> str:
        return customer_id(self.number)

    @property
    def contact_id(self) -> str:
        return f"CNTID_{1000 + self.number}"

    @property
    def loyalty_id(self) -> str:
        return f"LOYID_{1000 + self.number}"

    @property
    def previous_ids(self) -> tuple[str, ...]:
        """A few people were several profiles once."""
        if self.number % _MERGED_EVERY != _MERGED_REMAINDER:
            return ()
        count = 1 + self.number // _MERGED_EVERY % 2
        return tuple(_hexadecimal(f"earlier profile {index} of person {self.number}") for index in range(count))


def customer_id(number: int) -> str:
    return _hexadecimal(f"person {number}")


def make_people(size: int, chance: random.Random) -> Iterator[Person]:
    """Abbie Moss first; neighbours in the list share a household now and then."""
    before = ABBIE_MOSS
    for number in range(1, size + 1):
        person = ABBIE_MOSS if number == 1 else _make_person(number, before, chance)
        yield person
        before = person


def make_address(chance: random.Random) -> Address:
    return _make_address(chance.choice(words.CITIES), chance)


ABBIE_MOSS: Final = Person(
    number=1,
    first_name="Abbie",
    last_name="Moss",
    gender="Female",
    born_on=date(1990, 4, 12),
    email="abbie.moss@contoso.com",
    telephone="+1 206 555 0101",
    address=Address("1201 Pine Street", "Seattle", "98101", "United States"),
    joined_at=datetime(2021, 3, 14, 16, 20, tzinfo=UTC),
    enrolled_at=datetime(2021, 5, 2, 9, 40, tzinfo=UTC),
    is_contact=True,
    is_member=True,
)


def _make_person(number: int, before: Person, chance: random.Random) -> Person:
    first_name, gender = chance.choice(words.FIRST_NAMES)
    city = chance.choice(words.CITIES)
    last_name, address = chance.choice(words.LAST_NAMES), _make_address(city, chance)
    telephone = f"+1 {city.area_code} 555 {chance.randrange(10_000):04}"
    if chance.random() < _SHARE_OF_HOUSEHOLDS:
        last_name, address, telephone = before.last_name, before.address, before.telephone
    is_contact, is_member = _sources(chance)
    joined_at = _make_instant(FIRST_DAY + timedelta(days=chance.randrange(_JOINING_DAYS)), chance)
    return Person(
        number=number,
        first_name=first_name,
        last_name=last_name,
        gender=gender,
        born_on=_OLDEST + timedelta(days=chance.randrange(_BIRTH_DAYS)),
        email=_email(first_name, last_name, number, chance),
        telephone=telephone,
        address=address,
        joined_at=joined_at,
        enrolled_at=joined_at + timedelta(days=chance.randrange(_DAYS_UNTIL_ENROLMENT)),
        is_contact=is_contact,
        is_member=is_member,
    )


def _make_instant(day: datetime, chance: random.Random) -> datetime:
    """Some second of the day while shops are open."""
    return day + timedelta(seconds=chance.randrange(_OPENING_SECOND, _CLOSING_SECOND))


def _make_address(city: City, chance: random.Random) -> Address:
    first, second, letter = (chance.choice(kind) for kind in ("0123456789", "0123456789", "KLMN"))
    ending = f"{first}{letter}{second}" if city.country == "Canada" else f"{first}{second}"
    line = f"{chance.randrange(1, 2000)} {chance.choice(words.STREETS)} {chance.choice(words.STREET_KINDS)}"
    return Address(line, city.name, city.postal_beginning + ending, city.country)


def _sources(chance: random.Random) -> tuple[bool, bool]:
    share = chance.random()
    if share < _SHARE_IN_BOTH_SOURCES:
        return True, True
    is_contact = share < _SHARE_IN_BOTH_SOURCES + _SHARE_IN_CONTACTS_ONLY
    return is_contact, not is_contact


_LETTERS_WITHOUT_DECOMPOSITION: Final = str.maketrans({"ø": "o", "'": None})


def _email(first_name: str, last_name: str, number: int, chance: random.Random) -> str:
    name = unicodedata.normalize("NFD", f"{first_name}.{last_name}".lower()).translate(_LETTERS_WITHOUT_DECOMPOSITION)
    plain = name.encode("ascii", "ignore").decode()
    return f"{plain}{number}@{chance.choice(words.MAIL_DOMAINS)}"


def _hexadecimal(text: str) -> str:
    return hashlib.blake2b(f"Contoso Coffee, {text}".encode(), digest_size=16).hexdigest()
