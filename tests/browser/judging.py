"""What a page is judged by: axe-core, and that nothing sticks out of it."""

from typing import Any, Final

from playwright.sync_api import Page

RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# A window of 640 is one of 1280 at 200 %.
NOTHING: Final[dict[int, list[str]]] = {300: [], 640: [], 1280: []}
_JUDGE: Final = "rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })"
_STICKING_OUT: Final = """() => {
  const { clientWidth, scrollWidth } = document.documentElement;
  const isOut = (node) => {
    const { left, right, width } = node.getBoundingClientRect();
    return width > 1 && node.checkVisibility() && (left < -1 || right > clientWidth + 1);
  };
  const shadows = [...document.querySelectorAll("customer-card")].map((card) => card.shadowRoot);
  const nodes = [document, ...shadows].flatMap((root) => [...root.querySelectorAll("body *, .card *")].filter(isOut));
  const named = nodes.map((node) => `${node.localName}.${node.getAttribute("class")}`);
  return scrollWidth > clientWidth ? [`page: ${scrollWidth} of ${clientWidth}`, ...named] : named;
}"""


def list_violations(page: Page, axe: str) -> list[str]:
    """The page's context has to bypass its policy, which keeps out scripts like this one."""
    page.add_script_tag(content=axe)
    found: list[dict[str, Any]] = page.evaluate(_JUDGE, list(RULES))["violations"]
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def sticking_out_by_width(page: Page) -> dict[int, list[str]]:
    """What is wider than the window, or beside it: what one would have to scroll sideways for."""
    found: dict[int, list[str]] = {}
    for width in NOTHING:
        page.set_viewport_size({"width": width, "height": 700})
        found[width] = page.evaluate(_STICKING_OUT)
    return found
