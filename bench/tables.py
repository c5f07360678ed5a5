"""Tables of docs/benchmarks.md from a folder of results: `python bench/tables.py FOLDER`.

Prints Markdown; with `--write FILE` it replaces what stands between the two marks there. What
was slower than its goal is said first.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from results import Result, circumstances_of, others, results

BEGIN = "<!-- made by bench/tables.py: begin -->"
END = "<!-- made by bench/tables.py: end -->"
KINDS = ("search", "pictures", "jpeg", "robustness", "hash", "serve", "media")
HASHERS = {"exact": "exact mode", "fast": "fast mode", "pdqhash": "pdqhash"}
SEARCH_GOALS: Mapping[int, Mapping[str, float]] = {  # at least; engine.md and issue 3, section 2
    100_000: {"times_faster_than_flat": 35, "times_faster_than_multihash": 45},
    1_000_000: {"times_faster_than_flat": 150, "times_faster_than_multihash": 200},
    10_000_000: {"times_faster_than_flat": 500, "times_faster_than_multihash": 1000},
}
SEARCH_LIMITS: Mapping[int, Mapping[str, float]] = {  # at most
    10_000_000: {"tutela_single_p50_us": 30, "build_s": 3},
    100_000_000: {"tutela_us": 200},
}
BYTES_PER_HASH, BYTES_BESIDE = 130, 5e6
HASH_GOAL = 0.9
HASH_START_S = 1
LARGE_BATCH_GOAL = 1.5
VIDEO_GOAL = 5
SERVED, LOOKUPS_GOAL = 10_000_000, 1_840  # 20 times what the peer was seen to answer
LAW_GOAL = 10_000  # issue 4, section 1
KNOWN = (
    *("machine", "processor", "python", "numpy", "numba", "pillow", "simplejpeg"),
    *("pi-heif", "av", "pdqhash", "faiss-cpu", "commit"),
)
Cells = Sequence[object]


def table(head: Sequence[str], rows: Sequence[Cells]) -> Iterator[str]:
    """A Markdown table; figures stand to the right."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "|".join("---" if number == 0 else "--:" for number in range(len(head))) + "|"
    for row in rows:
        yield "| " + " | ".join(said(cell) for cell in row) + " |"
    yield ""


def said(cell: object) -> str:
    """A figure as people read it."""
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "**no**"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.4g}"
        case _:
            return str(cell)


def slower_than_the_goal(folder: Path) -> Iterator[str]:
    """Every figure that misses its goal, as one line."""
    for result in results(folder, "search"):
        yield from _slow_search(result)
    for kind in ("pictures", "jpeg"):
        for result in results(folder, kind):
            for row in result[kind]:
                for mode in ("", "exact_", "fast_"):
                    goal, got = row.get(f"{mode}goal"), row.get(f"{mode}ratio")
                    if goal is not None and got is not None and got < goal:
                        what = f"{kind}, {mode.replace('_', ' ')}{row['size']}"
                        yield f"{what}: {said(got)} times faster, goal {goal:g}"
    slow: dict[str, Callable[[Result], Iterator[str]]] = {
        "hash": _slow_hashing,
        "video": _slow_video,
        "serve": _slow_serving,
        "media": _slow_media,
    }
    for kind, told in slow.items():
        for result in results(folder, kind):
            yield from told(result)
    yield from _slow_law(folder)


def _slow_law(folder: Path) -> Iterator[str]:
    for result in results(folder, "law"):
        if (got := result["duty_evaluations_per_second"]) < LAW_GOAL:
            yield f"law: {got:,} duty evaluations a second, goal {LAW_GOAL:,}"


def _slow_media(result: Result) -> Iterator[str]:
    for row in result["media"]:
        goal, got = row["goal"], _times_hma(row)
        if goal is not None and got < goal:
            what = f"POST /v1/media, {row['size']}, {row['mode']} mode"
            yield f"{what}: {said(got)} times HMA's figure, goal {goal}"


def _times_hma(row: Result) -> float:
    """HMA's one process answers one request at a time; ours as many as there are cores."""
    return round(float(row["per_second_all_cores"] / row["hma_per_second"]), 1)


def _slow_hashing(result: Result) -> Iterator[str]:
    if (got := result["share_of_kernel_speed"]) < HASH_GOAL:
        yield f"tutela hash: {got:.0%} of its cores' kernel speed, goal {HASH_GOAL:.0%}"
    if (got := result["start_with_one_file_s"]) > HASH_START_S:
        yield f"tutela hash of one file: {said(got)} s, goal {HASH_START_S}"


def _slow_video(result: Result) -> Iterator[str]:
    for row in result["speed"]:
        if (got := row["ratio"]) is not None and got < VIDEO_GOAL:
            what = f"video {row['size']}, {row['way']}"
            yield f"{what}: {said(got)} times faster than vpdq, goal {VIDEO_GOAL}"


def _slow_serving(result: Result) -> Iterator[str]:
    ours = result["tutela"]
    if result["n"] == SERVED and (got := ours["matched_c8"]["per_second"]) < LOOKUPS_GOAL:
        yield f"lookups: {got:,} matched a second, goal {LOOKUPS_GOAL:,}"
    for what, got, most in (
        ("seconds to ready, with saved indexes", ours["later_start_s"], 2),
        ("MB shared by all processes", ours["memory_together"]["pss_mb"], 1600),
        ("seconds until a new hash matches", ours["add_until_match"]["longest_s"], 2),
    ):
        if got > most:
            yield f"lookups: {said(got)} {what}, goal {most:,}"


def _slow_search(result: Result) -> Iterator[str]:
    n = result["n"]
    for name, least in SEARCH_GOALS.get(n, {}).items():
        if (got := result.get(name)) is not None and got < least:
            peer = name.removeprefix("times_faster_than_")
            yield f"search in {n:,}: {said(got)} times faster than {peer}, goal {least:g}"
    for name, most in SEARCH_LIMITS.get(n, {}).items():
        if (got := result.get(name)) is not None and got > most:
            yield f"search in {n:,}: {name.replace('_', ' ')} {said(got)}, goal {most:g}"
    if (got := result["tutela_us"] / result["tutela_batch_10k_us"]) < LARGE_BATCH_GOAL:
        quicker = f"{said(got)} times quicker in batches of 10,000"
        yield f"search in {n:,}: {quicker}, goal {LARGE_BATCH_GOAL}"
    if result["bytes_per_hash"] > BYTES_PER_HASH + BYTES_BESIDE / n:
        yield f"search in {n:,}: {said(result['bytes_per_hash'])} bytes an entry"


def search_tables(folder: Path) -> Iterator[str]:
    """Exact search beside faiss."""
    if not (rows := sorted(results(folder, "search"), key=lambda row: row["n"])):
        return
    yield "## Exact search, radius 31 of 256 bits, one thread\n"
    columns = {
        "n": "entries",
        "tutela_us": "µs a query, batch of 1,000",
        "tutela_batch_10k_us": "batch of 10,000",
        "tutela_single_p50_us": "single p50",
        "tutela_single_p99_us": "single p99",
        "faiss_flat_us": "faiss Flat",
        "faiss_multihash_us": "faiss MultiHash",
        "exact": "same answers as Flat",
    }
    yield from table(tuple(columns.values()), [[row.get(name) for name in columns] for row in rows])
    columns = {
        "n": "entries",
        "times_faster_than_flat": "times faster than Flat",
        "times_faster_than_multihash": "than MultiHash",
        "build_s": "build, s",
        "bytes_per_hash": "bytes an entry",
        "self_join_us": "self-join, µs an entry",
    }
    yield from table(tuple(columns.values()), [[row.get(name) for name in columns] for row in rows])


def picture_tables(folder: Path) -> Iterator[str]:
    """PDQ of decoded pictures."""
    for result in results(folder, "pictures"):
        yield "## PDQ of a decoded picture, milliseconds, one core, same process\n"
        columns = {
            "size": "size",
            "pdqhash_ms": "pdqhash",
            "tutela_ms": "Tutela",
            "ratio": "times faster",
            "goal": "goal",
            "exact_share": "share on the exact path",
            "eight_pictures": "pictures for the eight",
            "eight_pdqhash_ms": "pdqhash of eight turned copies",
            "eight_ms": "Tutela, all eight",
            "eight_ratio": "times faster",
        }
        rows = [[row.get(name) for name in columns] for row in result["pictures"]]
        yield from table(tuple(columns.values()), rows)


def jpeg_tables(folder: Path) -> Iterator[str]:
    """JPEG bytes to hash, and what the jail leaves of it: every figure under its own name."""
    for result in results(folder, "jpeg"):
        yield "## JPEG bytes to hash, one core\n"
        yield from rows_table(result["jpeg"])
        yield from rows_table(result.get("jail", []))


def rows_table(rows: Sequence[Result]) -> Iterator[str]:
    """Rows of figures, a column for each name."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if names:
        cells = [[row.get(name) for name in names] for row in rows]
        yield from table([name.replace("_", " ") for name in names], cells)


def hash_tables(folder: Path) -> Iterator[str]:
    """The whole command on a folder."""
    for result in results(folder, "hash"):
        yield "## `tutela hash` on a folder of drawn JPEGs\n"
        yield from flat(result)


def robustness_tables(folder: Path) -> Iterator[str]:
    """Share found after each edit."""
    for result in results(folder, "robustness"):
        yield f"## Still found after an edit, distance {result['radius_bits']} or less\n"
        pairs, within = result["unrelated_pairs"], result["unrelated_pairs_within"]
        wrong = ", ".join(f"{HASHERS[name]} {number}" for name, number in within.items())
        yield (
            f"{result['pictures']} drawn pictures and benign samples; per cent of them. Of "
            f"{pairs:,} pairs of different pictures, within the distance: {wrong}.\n"
        )
        head = ["edit", *HASHERS.values(), *(f"{name}, dihedral" for name in HASHERS.values())]
        rows = [
            [
                row["edit"],
                *(f"{100 * row[name]:.1f}" for name in HASHERS),
                *(f"{100 * row[name + '_dihedral']:.1f}" for name in HASHERS),
            ]
            for row in result["rows"]
        ]
        yield from table(head, rows)


def serve_tables(folder: Path) -> Iterator[str]:
    """Lookups over HTTP beside the other index behind the same web server."""
    for result in results(folder, "serve"):
        ours, theirs = result["tutela"], result.get("threatexchange", {})
        yield f"## Lookups over HTTP, {result['n']:,} entries, {ours['workers']} processes\n"
        rows: list[Cells] = []
        for answer in ("matched", "unmatched"):
            for clients in ("c1", "c8"):
                mine, other = ours[f"{answer}_{clients}"], theirs.get(f"{answer}_{clients}", {})
                what = f"{answer}, {mine['clients']} at a time"
                figures = (mine["per_second"], mine["p50_ms"], mine["p99_ms"])
                beside = tuple(other.get(name) for name in ("per_second", "p50_ms", "p99_ms"))
                rows.append((what, *figures, *beside))
        head = ("lookups", "a second", "p50 ms", "p99 ms")
        yield from table((*head, "theirs a second", "p50 ms", "p99 ms"), rows)
        batch, added = ours["batch_10000"], ours["add_until_match"]
        facts: list[Cells] = [
            ("hashes a second, 10,000 a call", batch["hashes_per_second"], None),
            ("seconds to ready, nothing saved", ours["first_start_s"], theirs.get("start_s")),
            ("seconds to ready, with saved indexes", ours["later_start_s"], None),
            (
                "MB of all processes together (PSS)",
                ours["memory_together"]["pss_mb"],
                theirs.get("memory", {}).get("pss_mb"),
            ),
            ("seconds until a new hash matches, longest", added["longest_s"], None),
        ]
        yield from table(("what", "Tutela", "theirs"), facts)


def media_tables(folder: Path) -> Iterator[str]:
    """Pictures over HTTP beside Pillow and pdqhash behind the same web server."""
    for result in results(folder, "media"):
        yield f"## Pictures over HTTP (`POST /v1/media`), {result['n']:,} entries\n"
        yield (
            "One request at a time unless it says otherwise; the machine's load before was "
            f"{result['load_before']}. Theirs: threatexchange's hashing and index behind the same "
            "web server, one process, bare bytes. HMA: the whole of it with ten million "
            "entries and one client, as the facts have it, not measured beside this run; it "
            "answers one request at a time, so our rate with as many as cores is held against it.\n"
        )
        columns = {
            "size": "size",
            "mode": "mode",
            "file_kb": "file, kB",
            "per_second": "a second",
            "p50_ms": "p50 ms",
            "p99_ms": "p99 ms",
            "per_second_all_cores": "a second, as many at a time as cores",
            "theirs_per_second": "theirs a second",
            "theirs_all_cores": "as many at a time as cores",
            "ratio": "times theirs",
            "hma_per_second": "HMA a second",
            "times_hma": "times HMA",
            "goal": "goal",
        }
        yield from table(
            tuple(columns.values()),
            [
                [({**row, "times_hma": _times_hma(row)}).get(name) for name in columns]
                for row in result["media"]
            ],
        )


def other_tables(folder: Path) -> Iterator[str]:
    """Whatever else was measured, name by name."""
    for name, result in others(folder, KINDS):
        yield f"## {name.replace('-', ' ').replace('_', ' ')}\n"
        yield from flat(result)


def flat(result: Result) -> Iterator[str]:
    """The figures of one result, one a line; its circumstances stand elsewhere."""
    about = set(result.get("circumstances", {}))
    plain = {
        name.replace("_", " "): value
        for name, value in result.items()
        if isinstance(value, int | float | str) and name not in about | set(KNOWN) | {"at"}
    }
    if plain:
        yield from table(("what", "figure"), list(plain.items()))
    for name, value in result.items():
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            yield f"{name.replace('_', ' ')}:\n"
            yield from rows_table(value)


def circumstances(folder: Path) -> Iterator[str]:
    """Machine, versions and commit of each result; equal ones once."""
    seen: dict[str, list[str]] = {}
    for name, result in others(folder, ()):
        facts = circumstances_of(result)
        if "commit" not in facts:
            continue
        words = ", ".join(f"{one} {facts[one]}" for one in KNOWN if one in facts)
        seen.setdefault(words, []).append(name)
    for words, names in seen.items():
        yield f"- {', '.join(names)}: {words}"
    yield ""


PARTS: tuple[Callable[[Path], Iterator[str]], ...] = (
    picture_tables,
    jpeg_tables,
    hash_tables,
    search_tables,
    robustness_tables,
    serve_tables,
    media_tables,
    other_tables,
)


def page(folder: Path) -> str:
    """Everything, what missed its goal first."""
    missed = list(slower_than_the_goal(folder))
    lines = ["## Slower than the goal", ""]
    lines += [f"- {one}" for one in missed] or ["Nothing that was measured."]
    lines += ["", "## Measured on", "", *circumstances(folder)]
    for part in PARTS:
        lines += part(folder)
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Print the tables, or put them into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the results are, one JSON file each")
    parser.add_argument("--write", type=Path, help="page with the two marks to put them between")
    given = parser.parse_args()
    made = page(given.folder)
    if given.write is None:
        print(made, end="")
        return
    text = given.write.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{given.write} lacks the marks {BEGIN} and {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    given.write.write_text(f"{before}{BEGIN}\n\n{made}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
