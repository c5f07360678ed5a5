"""The law: rules judged a second on the facts of every case beside the lawbook, one core.

A duty evaluation is one rule judged on one case's facts, with its trace, status, missing facts
and unchecked statements. Whole answers add recipients, clocks, keeping, discharge, questions
and the resolution of all duties together; below the floor each rule is judged twice.

Environment: SECONDS (5) for each figure, FORMAT=json prints one object.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import cast

from circumstances import circumstances, line

import tutela
from tutela.law.duties import duties
from tutela.law.evaluating import judge
from tutela.law.loading import load_lawbook
from tutela.law.model import Status
from tutela.law.parsing import read_yaml

CASES = sorted((Path(tutela.__file__).parent / "lawbook").glob("*/cases/*.yaml"))


def per_second(once: Callable[[], int], seconds: float) -> int:
    """How many are done in a second of this process's time, the first round left out."""
    once()
    done, began = 0, time.process_time()
    while (taken := time.process_time() - began) < seconds:
        done += once()
    return round(done / taken)


def law(seconds: float) -> dict[str, object]:
    """Load, judge, answer."""
    began = time.process_time()
    book = load_lawbook()
    loaded = time.process_time() - began
    cases: list[tuple[Mapping[str, object], date]] = []
    for path in CASES:
        case = read_yaml(path.read_text("utf-8"), where=path.name)
        facts = cast("Mapping[str, object]", case["facts"])
        cases.append((facts, date.fromisoformat(str(case["as_of"]))))
    admitted = [(book.vocabulary.admit(facts), day) for facts, day in cases]

    def judged() -> int:
        for facts, day in admitted:
            for rule in book.rules:
                judge(rule, facts, as_of=day, floor=Status.SECONDARY)
        return len(admitted) * len(book.rules)

    def answered(floor: Status) -> Callable[[], int]:
        return lambda: sum(
            len(duties(book, facts, day, floor=floor).duties) for facts, day in cases
        )

    return {
        "rules": len(book.rules),
        "cases": len(cases),
        "load_s": round(loaded, 2),
        "duty_evaluations_per_second": per_second(judged, seconds),
        "duties_answered_per_second": per_second(answered(Status.RECALLED), seconds),
        "duties_answered_per_second_with_weaker_reading": per_second(
            answered(Status.SECONDARY), seconds
        ),
    }


def main() -> None:
    """Measure and print."""
    found = law(float(os.environ.get("SECONDS", "5")))
    if os.environ.get("FORMAT") == "json":
        print(json.dumps(circumstances() | found))
        return
    print(line())
    for name, value in found.items():
        print(f"{name.replace('_', ' '):50} {value!s:>12}")


if __name__ == "__main__":
    main()
