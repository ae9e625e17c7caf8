"""The names, places and goods that Contoso Coffee is made of."""

from dataclasses import dataclass
from typing import Final

FIRST_NAMES: Final = tuple(
    (name, gender)
    for gender, names in (
        (
            "Female",
            "Amelia Beatriz Chloé Dana Elena Farida Grace Hannah Ingrid Jasmine Katherine Leila Margaret Nadia Olivia "
            "Priya Rosa Samantha Thandiwe Ursula Victoria Wendy Yuki Zoë",
        ),
        (
            "Male",
            "Adam Benjamin Carlos Dmitri Edward Farhan George Hassan Ibrahim Joseph Kwame Lukas Michael Nikolai Oscar "
            "Patrick Robert Søren Thomas Umar Viktor William Yusuf Zachary",
        ),
        (None, "Alex Casey Jordan Morgan Quinn Riley Robin Taylor"),
    )
    for name in names.split()
)

NICKNAMES: Final = {
    "Abbie": "Abigail",
    "Alex": "Alexander",
    "Benjamin": "Ben",
    "Edward": "Ed",
    "Joseph": "Joe",
    "Katherine": "Kate",
    "Margaret": "Maggie",
    "Michael": "Mike",
    "Nikolai": "Nick",
    "Robert": "Bob",
    "Samantha": "Sam",
    "Thomas": "Tom",
    "Victoria": "Vicky",
    "William": "Bill",
    "Zachary": "Zack",
}

_LAST_NAMES = """
Adeyemi Almeida Andersen Bauer Bennett Bianchi Carter Chen Cohen Dubois Edwards Eriksen Farouk Fischer Garcia Grant
Haddad Hansen Hughes Ito Ivanova Jensen Johnson Kaur Kim Kowalski Larsson Lopez Macdonald Mbeki Miller Moreau Moss
Müller Nakamura Nguyen Novak O'Brien Okafor Olsen Park Patel Pereira Quist Ramirez Reyes Rossi Santos Schmidt Silva
Singh Smith Tanaka Taylor Thompson Turner Umarov Vargas Virtanen Walker Weber Wilson Yilmaz Zhang
"""
LAST_NAMES: Final = tuple(_LAST_NAMES.split())

_STREETS = """
Alder Ashland Beacon Birch Cedar Chestnut Columbia Denny Elm Fremont Garfield Harbor Hawthorne Juniper Lakeview Linden
Madison Magnolia Maple Mercer Oak Orchard Pike Pine Poplar Rainier Spruce Union Walnut Willow
"""
STREETS: Final = tuple(_STREETS.split())
STREET_KINDS: Final = ("Street", "Avenue", "Road", "Lane", "Boulevard", "Court")


@dataclass(frozen=True, slots=True)
class City:
    """`postal_beginning` is what all of its postal codes begin with, `area_code` belongs to its telephones."""

    name: str
    country: str
    postal_beginning: str
    area_code: str


CITIES: Final = (
    City("Seattle", "United States", "981", "206"),
    City("Tacoma", "United States", "984", "253"),
    City("Portland", "United States", "972", "503"),
    City("San Francisco", "United States", "941", "415"),
    City("San Diego", "United States", "921", "619"),
    City("Denver", "United States", "802", "303"),
    City("Austin", "United States", "787", "512"),
    City("Chicago", "United States", "606", "312"),
    City("Atlanta", "United States", "303", "404"),
    City("Boston", "United States", "021", "617"),
    City("Vancouver", "Canada", "V6B ", "604"),
    City("Toronto", "Canada", "M5V ", "416"),
)

MAIL_DOMAINS: Final = ("example.com", "example.net", "example.org", "contoso.com")

STORES: Final = (
    "Contoso Coffee Pike Place",
    "Contoso Coffee Capitol Hill",
    "Contoso Coffee Ballard",
    "Contoso Coffee Pearl District",
    "Contoso Coffee Mission Street",
    "Contoso Coffee Union Station",
    "Contoso Coffee Harbourfront",
    "Contoso Coffee Gastown",
)


@dataclass(frozen=True, slots=True)
class Product:
    name: str
    price_cents: int


PRODUCTS: Final = (
    Product("House blend, 1 kg", 2490),
    Product("Espresso roast, 500 g", 1590),
    Product("Decaf, 500 g", 1690),
    Product("Pour-over kettle", 6900),
    Product("Hand grinder", 8450),
    Product("Burr grinder", 14900),
    Product("Moka pot", 3495),
    Product("French press", 2995),
    Product("Travel mug", 1995),
    Product("Paper filters, 200", 795),
    Product("Espresso machine, Café A-100", 45900),
    Product("Descaling kit", 1250),
)


@dataclass(frozen=True, slots=True)
class Opinion:
    """`ratings` are the numbers of stars, of five, that go with the words."""

    headline: str
    body: str
    ratings: tuple[int, ...]


OPINIONS: Final = (
    Opinion("Not for me", "The roast was much darker than described, and support took a week to answer.", (1, 2)),
    Opinion("Arrived late", "Good coffee, but the parcel was a week late and the bag was torn.", (2, 3)),
    Opinion("Does the job", "Nothing special; the grinder is louder than I expected.", (3,)),
    Opinion("Good value", "Fresh beans at a fair price. I would order them again.", (4, 5)),
    Opinion("My new favourite", "Chocolate, a little orange – the best cup I have had at home.", (5,)),
    Opinion("Friendly service", "They replaced a broken press without a question. Thank you!", (4, 5)),
)
