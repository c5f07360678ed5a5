"""Windows' editors begin a text file with a byte order mark; no file that we read minds it."""

import re
from pathlib import Path

import pytest

from tutela.cli.accounts import _password
from tutela.cli.law_asking import text_of
from tutela.cli.oversight_pack import _text
from tutela.law.loading import _text as law_text
from tutela.wiring.settings_sources import from_file

SOURCE = Path(__file__).parents[2] / "src" / "tutela"
OURS = {
    "adapters/postgres.py",  # migrations of the package
    "adapters/sandbox/reports.py",  # written by the sandbox itself
    "cli/oversight_pack.py",  # the manifest that it wrote before
    "indicators/shelf.py",  # written by the index
    "oversight/questioning.py",  # a file of the package
    "taxonomy/schemes.py",  # a file of the package
    "wiring/demo/staging.py",  # written by the demo
}
"""Files with a read of what this program, or its package, wrote."""


def test_settings_contexts_passwords_and_law_begin_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "given"
    file.write_text('locale = "de"\n', encoding="utf-8-sig")
    monkeypatch.setenv("TUTELA_CONFIG", str(file))
    assert from_file() == {"locale": "de"}
    plain = 'locale = "de"\n'
    assert text_of(file, "facts") == _text(file) == law_text(file, "given") == plain
    assert _password(file).reveal() == plain.rstrip()


def test_no_other_text_is_read_with_its_mark() -> None:
    read = re.compile(r"""read_text\(\s*(encoding=)?["']utf-8["']|open\(encoding=["']utf-8["']\)""")
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if read.search(path.read_text("utf-8"))
    }
    assert found <= OURS
