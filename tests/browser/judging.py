"""What a page is judged by: axe-core, and that nothing sticks out of it."""

from typing import Any, Final

from playwright.sync_api import Page

RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS: Final = ["color-contrast", "link-in-text-block"]
# A window of 640 is one of 1280 at 200 %.
NOTHING: Final[dict[int, list[str]]] = {300: [], 640: [], 1280: []}
_JUDGE: Final = "rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })"
_STICKING_OUT: Final = """() => {
  const { clientWidth, scrollWidth } = document.documentElement;
  const scrollsItself = (node) => /auto|scroll/.test(getComputedStyle(node).overflowX);
  const scrolls = (node) => node && (scrollsItself(node) || scrolls(node.parentElement));
  const isOut = (node) => {
    const { left, right, width } = node.getBoundingClientRect();
    const isBeside = width > 1 && (left < -1 || right > clientWidth + 1);
    return isBeside && node.checkVisibility() && !scrolls(node.parentElement);
  };
  const shadows = [...document.querySelectorAll("customer-card")].map((card) => card.shadowRoot);
  const nodes = [document, ...shadows].flatMap((root) => [...root.querySelectorAll("body *, .card *")].filter(isOut));
  const named = nodes.map((node) => `${node.localName}.${node.getAttribute("class")}`);
  return scrollWidth > clientWidth ? [`page: ${scrollWidth} of ${clientWidth}`, ...named] : named;
}"""


def list_violations(page: Page, axe: str) -> list[str]:
    """In light, and as to colours in dark; the page's context has to bypass its policy, which keeps scripts out."""
    page.add_script_tag(content=axe)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    in_light = page.evaluate(_JUDGE, RULES)["violations"]
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found: list[dict[str, Any]] = in_light + page.evaluate(_JUDGE, COLOURS)["violations"]
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def sticking_out_by_width(page: Page) -> dict[int, list[str]]:
    """What one would have to scroll the page sideways for; a wide table may scroll by itself."""
    found: dict[int, list[str]] = {}
    for width in NOTHING:
        page.set_viewport_size({"width": width, "height": 700})
        found[width] = page.evaluate(_STICKING_OUT)
    return found
