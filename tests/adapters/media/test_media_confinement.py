"""What a decoder's process has given up, tried from the inside."""

import json
import os
import subprocess
import sys

import pytest

from tutela.adapters.media.jail import Jail
from tutela.primitives.kernel_folder import ROOT

PROBE = """
import json, os, resource, socket, subprocess, sys, threading
from tutela.adapters.media import confining
held = confining.confine(memory_bytes=700 << 20, cpu_seconds=60, parent=int(sys.argv[1]))
def tried(act):
    try:
        act()
    except (OSError, ValueError, MemoryError) as error:
        return type(error).__name__
    return "possible"
found = {
    "read": tried(lambda: open("/etc/hostname")),
    "write": tried(lambda: open("/tmp/never", "w")),
    "network": tried(lambda: socket.socket()),
    "pipe": tried(os.pipe),
    "fork": tried(os.fork),
    "program": tried(lambda: os.execv("/bin/true", ["true"])),
    "child": tried(lambda: subprocess.run(["/bin/true"])),
    "root": tried(lambda: os.setuid(0)) if os.getuid() else "possible",
    "memory": tried(lambda: bytearray(900 << 20)),
    "raise": tried(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))),
}
threads = []
one = threading.Thread(target=lambda: threads.append(1))
one.start()
one.join()
os.close(0)
found["read after closing"] = tried(lambda: open("/etc/hostname"))
print(json.dumps({"held": held, "tried": found, "threads": len(threads)}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the confinement is Linux's")
def test_nothing_can_be_opened_started_or_regained() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROBE, str(os.getpid())],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert "no_new_descriptor" in found["held"]
    assert "possible" not in found["tried"].values(), found
    assert found["threads"] == 1  # one decoder needs a thread of its own


@pytest.mark.skipif(sys.platform != "linux", reason="the confinement is Linux's")
def test_without_the_filter_the_number_of_processes_is_limited() -> None:
    """A kernel or a processor that the filter is not made for."""
    probe = PROBE.replace("held = ", "confining.forbid_new_processes = lambda: False\nheld = ", 1)
    for line in (
        '    "program": tried(lambda: os.execv("/bin/true", ["true"])),\n',
        "one.start()\none.join()\n",
    ):
        assert line in probe
        probe = probe.replace(line, "")
    done = subprocess.run(
        [sys.executable, "-I", "-c", probe, str(os.getpid())],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert "no_new_process" in found["held"]
    assert found["tried"]["fork"] != "possible"


@pytest.mark.skipif(sys.platform != "linux", reason="the confinement is Linux's")
def test_every_confinement_took_hold_in_a_child(jail: Jail) -> None:
    assert set(jail.confinement()) == {
        "unprivileged_user",
        "no_new_privileges",
        "not_dumpable",
        "dies_with_parent",
        "no_core",
        "no_file_growth",
        "no_new_process",
        "address_space",
        "cpu",
        "no_new_descriptor",
    }


def test_the_child_gets_no_environment_and_no_folder(
    jail: Jail, small_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}
    real = subprocess.Popen

    class Watching(real):  # type: ignore[type-arg, misc, valid-type]
        def __init__(self, arguments: list[str], **options: object) -> None:
            seen.update(options, arguments=arguments)
            super().__init__(arguments, **options)

    monkeypatch.setenv("TUTELA_SECRET", "fictitious")
    monkeypatch.setattr(subprocess, "Popen", Watching)
    with Jail(workers=1) as single:
        assert single.hash(small_png) == jail.hash(small_png)
    kernels = {"TUTELA_KERNELS": str(ROOT)} if ROOT else {}
    assert seen["env"] == {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **kernels}
    assert seen["cwd"] == "/"
    assert "-I" in str(seen["arguments"])
