"""What the customer sources know of a person, with their slips, and what unification should make of it."""

import random
from collections.abc import Sequence
from typing import Final

from topcoat.core.catalog import Document, format_instant
from topcoat.sample import people, tables, words
from topcoat.sample.people import Person

_SHARE_OF_SLIPS: Final = 0.15
_CAPITALS_EVERY: Final = 10
_SHARE_OF_OPT_IN: Final = 0.6
_SILVER_POINTS, _GOLD_POINTS = 500, 1500


def make_contact(person: Person, chance: random.Random) -> Document:
    """The record of the online shop, where people type for themselves: right but for what they leave out."""
    return _without_nulls(
        {
            "ContactId": person.contact_id,
            "FirstName": person.first_name,
            "LastName": person.last_name,
            "EMail": person.email,
            "Telephone": person.telephone if person.number == 1 or not _slips(chance) else None,
            "DateOfBirth": person.born_on.isoformat() if person.number == 1 or not _slips(chance) else None,
            "Gender": person.gender,
            "AddressLine1": person.address.line,
            "City": person.address.city,
            "PostalCode": person.address.postal_code,
            "Country": person.address.country,
            "EmailOptIn": chance.random() < _SHARE_OF_OPT_IN,
            "CreatedOn": format_instant(person.joined_at),
        }
    )


def make_member(person: Person, points: int, chance: random.Random) -> Document:
    """The record of the loyalty scheme, typed at the counter: names misheard, addresses and numbers out of date."""
    address = people.make_address(chance) if _slips(chance) else person.address
    return _without_nulls(
        {
            "LoyaltyID": person.loyalty_id,
            "FirstName": _heard_first_name(person, chance),
            "LastName": _mistyped(person.last_name, chance) if _slips(chance) else person.last_name,
            "EMail": None if _slips(chance) else person.email,
            "Telephone": _local_telephone(person.telephone) if _slips(chance) else person.telephone,
            "DateOfBirth": None if _slips(chance) else person.born_on.isoformat(),
            "AddressLine1": address.line,
            "City": address.city,
            "PostalCode": address.postal_code,
            "Country": address.country,
            "LoyaltyTier": _tier(points),
            "RewardsPoints": points,
            "EnrolledOn": format_instant(person.enrolled_at),
            "EnrolledAt": chance.choice(words.STORES),
        }
    )


def unify(person: Person, contact: Document | None, member: Document | None, spent_cents: int) -> Document:
    """The unified profile: the online shop's values come first, the loyalty scheme's fill the gaps."""
    known = {**(member or {}), **(contact or {})}
    profile = {name: known.get(name) for name in tables.CUSTOMER_COLUMNS}
    return profile | {
        "CustomerId": person.customer_id,
        "FullName": f"{known['FirstName']} {known['LastName']}",
        "TotalSpend": spent_cents / 100,
        "CustomerSince": known.get("CreatedOn") or known["EnrolledOn"],
        tables.CONTACT_KEY: known.get("ContactId"),
        tables.MEMBER_KEY: known.get("LoyaltyID"),
        "PreviousCustomerId": ";".join(person.previous_ids) or None,
    }


def make_account(person: Person, spent: float) -> Document:
    """What the warehouse has under the person's address; some tills print in capitals."""
    email = person.email.upper() if person.number % _CAPITALS_EVERY == 0 else person.email
    return {"Email": email, "TotalSpend": spent}


def key_ring(contact: Document | None, member: Document | None) -> Sequence[tuple[str, str]]:
    """Table and key of every customer record of one person."""
    records = ((tables.CONTACTS, contact), (tables.MEMBERS, member))
    return [(table.name, record[table.primary_key]) for table, record in records if record is not None]


def _slips(chance: random.Random) -> bool:
    return chance.random() < _SHARE_OF_SLIPS


def _heard_first_name(person: Person, chance: random.Random) -> str:
    nickname = words.NICKNAMES.get(person.first_name)
    if nickname is not None and chance.random() < 0.5:
        return nickname
    return _mistyped(person.first_name, chance) if _slips(chance) else person.first_name


def _mistyped(name: str, chance: random.Random) -> str:
    """Two letters swapped, one left out or one doubled; never the first."""
    at = chance.randrange(1, len(name) - 1)
    match chance.randrange(3):
        case 0:
            return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
        case 1:
            return name[:at] + name[at + 1 :]
        case _:
            return name[:at] + name[at] + name[at:]


def _local_telephone(telephone: str) -> str:
    _, area, exchange, line = telephone.split()
    return f"({area}) {exchange}-{line}"


def _tier(points: int) -> str:
    if points >= _GOLD_POINTS:
        return "Gold"
    return "Silver" if points >= _SILVER_POINTS else "Bronze"


def _without_nulls(record: Document) -> Document:
    return {name: value for name, value in record.items() if value is not None}
