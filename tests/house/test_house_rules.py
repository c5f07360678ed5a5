"""The house's own rules: no unconfigured host, no rooms without a noun, docs that fail."""

import ast
import re
from pathlib import Path

import pytest

from tutela.cli.docs import pages
from tutela.wiring.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tutela"
NOUNLESS = {
    "utils",
    "helpers",
    "common",
    "misc",
    "base",
    "manager",
    "handler",
    "processor",
    "lib",
}
# Names of formats, not places that are ever contacted: XML namespaces and metadata marks.
NAMESPACES = {
    "https://hashsharing.ncmec.org/hashsharing/v2",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/2001/XMLSchema",
}


def sources() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def docstrings(tree: ast.AST) -> set[int]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def test_no_address_of_an_outside_host_stands_in_the_source() -> None:
    found = []
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = docstrings(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if id(node) in documentation:
                continue
            for url in re.findall(r"https?://[A-Za-z0-9\[][^\s\"'<>]*", node.value):
                host = re.sub(r"^https?://", "", url)
                local = re.match(r"(127\.0\.0\.1|localhost|\[::1\])([:/]|$)", host)
                if not local and url.rstrip("/") not in NAMESPACES:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {url}")
    assert found == []


def test_no_page_or_style_names_an_outside_host() -> None:
    found = [
        f"{path.relative_to(ROOT)} {url}"
        for path in [*SOURCE.rglob("*.html"), *SOURCE.rglob("*.css"), *SOURCE.rglob("*.js")]
        for url in re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text("utf-8"))
        if "www.w3.org" not in url
    ]
    assert found == []


def test_no_room_without_a_noun() -> None:
    stems = {path.stem for path in sources()} | {path.parent.name for path in sources()}
    assert stems & NOUNLESS == set()


def test_files_stay_readable() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in sources()
        if (count := len(path.read_text("utf-8").splitlines())) > 600
    }
    assert long == {}


@pytest.mark.parametrize("name", sorted(pages()))
def test_generated_pages_are_current(name: str) -> None:
    page = ROOT / "docs" / "reference" / name
    assert page.read_text("utf-8") == pages()[name], "run `make docs`"


def test_every_setting_is_explained() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_every_promise_in_the_security_page_names_a_test_that_exists() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) >= 15
    for path, test in named:
        assert f"def {test}(" in (ROOT / path).read_text("utf-8"), f"{path}::{test}"


def test_decision_records_are_listed() -> None:
    listed = (ROOT / "docs" / "adr" / "README.md").read_text("utf-8")
    for record in (ROOT / "docs" / "adr").glob("[0-9]*.md"):
        assert record.name in listed
        assert "Status: accepted" in record.read_text("utf-8")


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []
