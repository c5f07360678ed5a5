"""What axe finds on a page in a browser."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
BEST = (*WCAG, "best-practice")
CONTRAST = "color-contrast"
_LOADED = "axe.version"
"""Run in place of axe's half a megabyte on a page that has it already."""

_MARK_REPEATED = """() => {
  const free = /^(id|name|value|for|href|src|alt|title|action|datetime|aria-label.*|aria-descr.*)$/;
  const seen = new Map();
  const mark = (one, path) => {
    const held = [...one.attributes].filter(each => !free.test(each.name));
    path += ">" + one.tagName + held.map(each => each.name + "=" + each.value).sort().join();
    seen.set(path, (seen.get(path) ?? 0) + 1);
    let repeated = seen.get(path) > 3;
    for (const child of one.children) repeated = mark(child, path) && repeated;
    one.toggleAttribute("data-repeated", repeated);  // only the outermost: axe asks of each pair
    if (repeated) for (const child of one.children) child.removeAttribute("data-repeated");
    return repeated;
  };
  mark(document.body, "");
}"""
_UNMARK = """() => document.querySelectorAll("[data-repeated]").forEach(
  one => one.removeAttribute("data-repeated"))"""


def violations(page: Page, tags: tuple[str, ...] = BEST) -> list[str]:
    """What breaks a rule with one of these tags, colour contrast included: rule and place."""
    rules = {"runOnly": list(tags), "rules": {CONTRAST: {"enabled": False}}}
    return _found(page, rules) + poor_contrast(page)


def poor_contrast(page: Page) -> list[str]:
    """Where colours are too near each other: all that a colour scheme changes.

    By far the slowest rule, and a page may hold hundreds of lines of one kind. Colours follow
    from an element's attributes and those around it, so of elements that have all of these in
    common the first three are looked at.
    """
    with _repeated_marked(page):
        return _found(page, {"runOnly": {"type": "rule", "values": [CONTRAST]}}, without="repeated")


def _found(page: Page, options: Mapping[str, object], *, without: str = "") -> list[str]:
    quick = {"resultTypes": ["violations"]}  # places of what is well take long to name
    left_out = {"exclude": [[f"[data-{without}]"]]} if without else None
    axe = Axe(_LOADED) if page.evaluate("'axe' in window") else Axe()
    found = axe.run(page, context=left_out, options={**options, **quick}).response["violations"]
    return [f"{each['id']}: {node['target']}" for each in found for node in each["nodes"]]


@contextmanager
def _repeated_marked(page: Page) -> Iterator[None]:
    page.evaluate(_MARK_REPEATED)
    yield
    page.evaluate(_UNMARK)
