"""PRV-03: rooms that detect can reach nothing that decrypts; every match passes the gate."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tutela"
DETECTING = ("hashing", "index", "indicators", "scan", "taxonomy")
OPENING = ("tutela.evidence.unsealing", "tutela.adapters.keys", "pyrage", "cryptography")
"""What opens sealed or encrypted bytes."""


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in SOURCE.rglob("*.py")}


@cache
def parsed(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imported(name: str) -> Iterator[str]:
    """Every module that a module names in an import, also inside a function."""
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def reached_from(room: str) -> set[str]:
    """Everything that the room's modules import, and what those import."""
    waiting = [name for name in MODULES if name.startswith(f"tutela.{room}")]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += imported(name) if name in MODULES else ()
    return reached


@pytest.mark.parametrize("room", DETECTING)
def test_no_function_that_decrypts_can_be_reached_from_a_detecting_room(room: str) -> None:
    reached = reached_from(room)
    assert f"tutela.{room}" in reached
    assert not {name for name in reached if name.startswith(OPENING)}
    named = {
        node.name
        for name in reached & set(MODULES)
        for node in ast.walk(parsed(name))
        if isinstance(node, ast.FunctionDef)
    }
    assert named
    assert not {each for each in named if "decrypt" in each or "unseal" in each}


def test_the_search_finds_what_it_looks_for() -> None:
    assert "tutela.evidence.unsealing" in reached_from("wiring")


def test_only_one_module_has_a_matcher_and_it_gives_gates() -> None:
    """Whoever wants to match must ask the composition, which has gates only."""
    users = {name for name in MODULES if "tutela.indicators.matching" in imported(name)}
    assert users == {"tutela.wiring.matching"}
