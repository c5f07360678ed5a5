"""Two demos that start at the same moment do not choose the same port."""

import subprocess
import sys

from tutela.wiring.demo.processes import free_port

CHOOSE = """
import sys
from tutela.wiring.demo.processes import free_port
print(free_port(int(sys.argv[1])), flush=True)
sys.stdin.readline()
"""


def test_two_demos_at_once_choose_different_ports() -> None:

    wanted = str(free_port())
    pair = [
        subprocess.Popen(
            [sys.executable, "-c", CHOOSE, wanted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    chosen = [process.stdout.readline().strip() for process in pair if process.stdout]
    for process in pair:
        process.communicate("\n", timeout=30)
    assert len(set(chosen)) == 2
    assert wanted in chosen
