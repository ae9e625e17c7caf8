"""One text, levelled: what no database function says. Every function answers the same when it is asked again."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import phonenumbers

_REMEMBERED: Final = 100_000

_LETTERS: Final = {
    "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D",
    "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ł": "l", "Ł": "L", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T",
    "ŋ": "n", "Ŋ": "N", "ı": "i", "ĸ": "k", "ƒ": "f", "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"',
    "«": '"', "»": '"', "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "⁄": "/", "·": ".",
}  # fmt: skip
_ACCENTS: Final = re.compile("[\u0300-\u036f]")


class _Folded(dict[int, str]):
    """A letter's code -> its ASCII, or the letter itself where it has none."""

    def __missing__(self, code: int) -> str:
        parts = _ACCENTS.sub("", unicodedata.normalize("NFKD", chr(code)))
        folded = "".join(_LETTERS.get(part, part) for part in parts)
        self[code] = folded if folded.isascii() else chr(code)
        return self[code]


_FOLDED: Final = _Folded()


def fold_to_ascii(text: str) -> str:
    """Replace what has an ASCII equivalent; letters of other scripts stay."""
    composed = unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", composed.translate(_FOLDED))


_ROMAN: Final = re.compile("M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_ROMAN_DIGITS: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_WORD: Final = re.compile(r"[^\W_]+(?:['’]+[^\W_]+)*")
_OTHER_DIGIT: Final = re.compile(r"[^\D0-9]")
_ROMAN_LETTER: Final = re.compile("[Ⅰ-ⅿ]")


def to_arabic_numerals(text: str) -> str:
    """Write digits of other scripts, and whole words that are Roman numerals in one case, with 0 to 9."""
    latin = _ROMAN_LETTER.sub(lambda letter: unicodedata.normalize("NFKC", letter[0]), text)
    digits = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), latin)
    return _WORD.sub(lambda word: _arabic(word[0]), digits)


def _arabic(word: str) -> str:
    numeral = re.sub("['’]", "", word)
    if not (numeral.isupper() or numeral.islower()) or not _ROMAN.fullmatch(numeral.upper()):
        return word
    values = [_ROMAN_DIGITS[letter] for letter in numeral.upper()]
    following = [*values[1:], 0]
    return str(sum(-value if value < after else value for value, after in zip(values, following, strict=True)))


_TITLES: Final = (
    "mr|mrs|ms|miss|mx|master|madam|sir|dame|lord|lady|dr|prof|professor|doctor|rev|reverend|fr|father|hon|capt|captain|col|"
    "colonel|lt|sgt|maj|major|herr|frau|monsieur|mme|madame|mlle|senor|señor|senora|señora|sr|sra|srta"
)
_DEGREES: Final = "phd|md|mba|msc|bsc|ba|ma|esq|dds|jd|cpa"
_TITLE: Final = re.compile(rf"(^|,) *(?:(?:{_TITLES}) +)+(?=\S)")
_DEGREE: Final = re.compile(rf"(?:,? +(?:{_DEGREES}))+ *(?=,|$)")
_GENERATION: Final = re.compile(r"(?<=\S)[, ]+(jr|sr|junior|senior|ii|iii|iv|[2-4])$")


@lru_cache(_REMEMBERED)
def standard_name(text: str) -> str:
    """Lower case without titles and degrees, the first name in front: `Smith, Dr. John` -> `john smith`."""
    plain = _blank(re.sub(r"[.'’`]", "", text.lower()), kept=",")
    untitled = _without_titles(plain)
    generation = _GENERATION.search(untitled)
    last, _, first = _GENERATION.sub("", untitled).partition(",")
    return _without_titles(_blank(f"{first} {last} {generation[1] if generation else ''}"))


def _without_titles(name: str) -> str:
    return _DEGREE.sub("", _TITLE.sub(r"\1", name))


_LEGAL_FORMS: Final = (
    "ltd|limited|inc|incorporated|corp|corporation|co|company|llc|llp|lp|plc|pllc|gmbh|mbh|ag|kg|kgaa|ohg|ug|ev|eg|se|sa|"
    "sas|sarl|srl|spa|bv|nv|cv|vof|ab|as|asa|aps|oy|oyj|kk|pty|pte|pvt|sl|slu|sro|zrt|kft|doo|ooo|and co|und co|et cie"
)
_LEGAL_FORM: Final = re.compile(rf"(?<=\S)(?: +(?:{_LEGAL_FORMS}))+$")


@lru_cache(_REMEMBERED)
def standard_organization(text: str) -> str:
    """Lower case without the legal form at the end: `Contoso Coffee GmbH & Co. KG` -> `contoso coffee`."""
    plain = _blank(re.sub(r"[.'’`/]", "", text.lower()).replace("&", " and "))
    return _LEGAL_FORM.sub("", plain)


_ABBREVIATIONS: Final = {
    "street": "st", "str": "st", "saint": "st", "avenue": "ave", "av": "ave", "boulevard": "blvd", "road": "rd",
    "drive": "dr", "lane": "ln", "court": "ct", "place": "pl", "square": "sq", "highway": "hwy", "parkway": "pkwy",
    "terrace": "ter", "circle": "cir", "trail": "trl", "crescent": "cres", "alley": "aly", "bridge": "brg",
    "center": "ctr", "centre": "ctr", "gardens": "gdns", "heights": "hts", "junction": "jct", "mount": "mt",
    "mountain": "mtn", "fort": "ft", "point": "pt", "expressway": "expy", "freeway": "fwy", "turnpike": "tpke",
    "apartment": "apt", "suite": "ste", "floor": "fl", "building": "bldg", "room": "rm", "department": "dept",
    "north": "n", "south": "s", "east": "e", "west": "w",
    "northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw",
    "number": "no", "nr": "no",
}  # fmt: skip
_GERMAN_STREET: Final = re.compile(r"(?<=[^\W_])(?:straße|strasse|str)\b")
_POST_BOX: Final = re.compile(r"\b(?:post office|p o) box\b")


@lru_cache(_REMEMBERED)
def standard_address(text: str) -> str:
    """Lower case, without punctuation, street words abbreviated: `12 Main Street, Apt. #4` -> `12 main st apt 4`."""
    plain = _blank(re.sub(r"[.'’`]", "", text.lower()))
    words = _GERMAN_STREET.sub("str", _POST_BOX.sub("po box", plain)).split()
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words)


def _blank(text: str, kept: str = "") -> str:
    """Put one blank in the place of other signs than letters, digits and what is kept."""
    return " ".join(re.sub(rf"[^\w{kept}]|_", " ", text).split())


# Most of the numbers in North America; asking the library about one takes fifty times as long.
_NORTH_AMERICAN: Final = re.compile(r"(?:(\+)1|1)?[ .-]?\(?([2-9][0-9]{2})\)?[ .-]?([2-9][0-9]{2})[ .-]?([0-9]{4})")
_NORTH_AMERICAN_CODE: Final = 1


@lru_cache(_REMEMBERED)
def standard_phone(text: str, region: str) -> str:
    """The number as E.164 has it: `+12065550100`; the bare digits where that can not be made of it.

    `region` is the country of numbers that come without a country code, or empty.
    """
    common = _NORTH_AMERICAN.fullmatch(text)
    if common and (common[1] or _is_north_american(region)):
        return f"+1{common[2]}{common[3]}{common[4]}"
    number = _find_number(text, region)
    if number is None or not phonenumbers.is_possible_number(number):
        return phonenumbers.normalize_digits_only(text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _find_number(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None


@lru_cache
def _is_north_american(region: str) -> bool:
    return bool(phonenumbers.country_code_for_region(region) == _NORTH_AMERICAN_CODE)
