"""What the card consists of: whole, in each language alike, with nothing that a strict policy would refuse."""

import gzip
import re
from pathlib import Path

import pytest

from topcoat.surfaces import customer_card

STATIC = Path(customer_card.__file__).parent / "static"
FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())
MODULES = [path for path in FILES if path.suffix == ".js"]
TEXTS = [path for path in MODULES if path.parent.name == "texts"]
FIRST_LOAD_BYTES_MAX = 100_000


def test_modules_import_each_other_and_nobody_else() -> None:
    imported = {
        (module.parent / name).resolve()
        for module in MODULES
        for name in re.findall(r'^import (?:[^;]+? from )?"([^"]+)";', module.read_text(), re.MULTILINE)
    }

    assert imported | {STATIC / "customer-card.js", *TEXTS} == set(MODULES)


@pytest.mark.parametrize(
    "refused",
    [
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser",
        r"\beval\(|new Function|setTimeout\(\"",
        r"\.style\b|\"style\"|(?<!-)style:",
        r"localStorage|sessionStorage|indexedDB|document\.cookie",
        r"https?://(?!www\.w3\.org/2000/svg\")[a-z0-9]",
    ],
)
def test_nothing_is_in_them_that_a_strict_policy_refuses(refused: str) -> None:
    found = [(path.name, match.group()) for path in FILES for match in re.finditer(refused, path.read_text())]

    assert found == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_language_has_each_text_that_is_used(path: Path) -> None:
    used = {key for module in MODULES for key in re.findall(r'\bsay\("(\w+)"', module.read_text())}

    assert used <= keys_of(path)


def test_languages_have_the_same_texts_with_the_same_gaps() -> None:
    english, *others = (gaps_of(STATIC / "texts" / f"{language}.js") for language in ("en", "de"))

    assert all(other == english for other in others)


def test_the_first_load_is_small() -> None:
    loaded = [path for path in FILES if path not in TEXTS or path.stem == "en"]

    assert sum(len(gzip.compress(path.read_bytes())) for path in loaded) < FIRST_LOAD_BYTES_MAX / 2


def keys_of(path: Path) -> set[str]:
    return set(re.findall(r"^  (\w+):", path.read_text(), re.MULTILINE))


def gaps_of(path: Path) -> dict[str, set[str]]:
    lines = re.findall(r"^  (\w+):(.*)", path.read_text(), re.MULTILINE)
    return {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in lines}
