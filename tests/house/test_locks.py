"""The locks: every package with its version and hashes, one version everywhere, no address."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def packages(lock: Path) -> dict[str, tuple[str, int]]:
    """Name to version and number of hashes, of each package in a lock."""
    found: dict[str, tuple[str, int]] = {}
    for block in re.split(r"\n(?=\S)", lock.read_text("utf-8").strip()):
        head, *rest = block.replace("\\\n", "\n").splitlines()
        requirement = Requirement(head.strip())
        (only,) = requirement.specifier
        assert only.operator == "==", head
        hashes = [line.strip() for line in rest]
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes), head
        found[canonicalize_name(requirement.name)] = (only.version, len(hashes))
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_package_has_its_hashes_and_no_lock_names_an_address(lock: Path) -> None:
    found = packages(lock)
    assert found
    assert [name for name, (_, hashes) in found.items() if not hashes] == []
    assert "://" not in lock.read_text("utf-8")


def test_a_package_has_one_version_in_all_locks() -> None:
    versions: dict[str, set[str]] = {}
    for lock in (one for one in LOCKS if not one.stem.startswith("vpdq")):
        for name, (version, _) in packages(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("core", []), ("test", ["test"]), ("check", ["test", "check"]), ("bench", ["test", "bench"])],
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    asked = [*PROJECT["dependencies"]]
    for extra in extras:
        asked += PROJECT["optional-dependencies"][extra]
    found = packages(ROOT / "requirements" / f"{lock}.lock")
    for requirement in map(Requirement, asked):
        version, _ = found[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement}: run `make lock`"


def test_nothing_is_installed_without_its_hash() -> None:
    """Each call that installs names a lock and asks for hashes, or brings our own folder alone."""
    calls = []
    for script in (ROOT / ".ci").iterdir():
        text = script.read_text("utf-8").replace("\\\n", " ")
        calls += [
            part.strip()
            for line in text.splitlines()
            if not re.match(r"\s*(#|install\(\))", line) and not re.search("apt-get|echo", line)
            for part in re.split(r"[;&|]+", line)
            if re.search(r"\binstall\s", part) and "uninstall" not in part
        ]
    ours = [call for call in calls if "-e ." in call]
    packages = [call for call in calls if call not in ours]
    assert len(packages) >= 6
    assert [call for call in packages if "--require-hashes" not in call] == []
    assert [call for call in packages if not re.search(r"-r \S+\.lock", call)] == []
    assert ["--no-deps" in call for call in ours] == [True]
