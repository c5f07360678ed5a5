"""A second demo in the folder of one that runs is refused, and touches nothing of it."""

from pathlib import Path

import pytest

from tutela.primitives.errors import Conflict, Misconfigured
from tutela.wiring.demo import staging
from tutela.wiring.demo.staging import Ports, note_running, set_up

PORTS = Ports(authority=1, platform=2, staff=8400, public=4)


@pytest.fixture(autouse=True)
def _nothing_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(pictures: Path, count: int) -> None:
        del count
        pictures.mkdir()
        (pictures / "manifest.json").write_text("{}")

    monkeypatch.setattr(staging, "_draw", draw)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_second_demo_is_refused_while_the_first_runs(tmp_path: Path, *, fresh: bool) -> None:
    folder = tmp_path / "demo"
    stage = set_up(folder, count=80, fresh=True)
    (folder / "data").write_text("of the first")
    with pytest.raises(Conflict, match="still starting"):
        set_up(folder, count=80, fresh=fresh)
    note_running(stage, PORTS)
    with pytest.raises(Conflict) as caught:
        set_up(folder, count=80, fresh=fresh)
    assert "http://127.0.0.1:8400/" in str(caught.value)
    assert "--folder" in str(caught.value)
    assert (folder / "data").read_text() == "of the first"
    stage.lock.close()  # as the kernel does at the end of the process, however it ends
    after = set_up(folder, count=80, fresh=fresh)
    assert (folder / "data").exists() is not fresh
    after.lock.close()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("of somebody")
    with pytest.raises(Misconfigured):
        set_up(tmp_path, count=80, fresh=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
