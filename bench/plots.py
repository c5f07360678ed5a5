"""Plots of docs/benchmarks.md from a folder of results: `python bench/plots.py FOLDER`.

Each is an SVG with a title, a description for those who do not see it, and lines that differ in
shape and dash, not only in colour. The same results give the same bytes. What was not measured
is not drawn.
"""

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from results import Result, results

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
LOOKS: tuple[dict[str, Any], ...] = (
    {"color": "black", "marker": "o", "linestyle": "-"},
    {"color": "#555555", "marker": "s", "linestyle": "--"},
    {"color": "#888888", "marker": "^", "linestyle": ":"},
    {"color": "#333333", "marker": "D", "linestyle": "-."},
)
HASHERS = {"exact": "Tutela, exact mode", "fast": "Tutela, fast mode", "pdqhash": "pdqhash"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a plot: what it is of, and its points."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """One picture: the words around it and its lines. `log` names the axes in powers of ten."""

    name: str
    title: str
    x: str
    y: str
    lines: Sequence[Line]
    log: str = ""

    @property
    def description(self) -> str:
        """The same figures in words."""
        said = [
            f"{line.name}: "
            + ", ".join(f"{y:g} at {x:,}" for x, y in zip(line.x, line.y, strict=True))
            for line in self.lines
        ]
        return f"{self.title}. Across: {self.x}; upwards: {self.y}. " + "; ".join(said) + "."


def line_of(name: str, rows: Sequence[Result], x: str, y: str) -> Line:
    """A line through those of the rows that have both figures."""
    points = [(row[x], row[y]) for row in rows if row.get(x) is not None and row.get(y) is not None]
    points.sort()
    return Line(name=name, x=[one for one, _ in points], y=[one for _, one in points])


def time_against_n(folder: Path) -> list[Plot]:
    """Search: microseconds a query against the number of entries."""
    rows = results(folder, "search")
    lines = [
        line_of("Tutela, batch of 1,000", rows, "n", "tutela_us"),
        line_of("Tutela, single (p50)", rows, "n", "tutela_single_p50_us"),
        line_of("faiss IndexBinaryFlat", rows, "n", "faiss_flat_us"),
        line_of("faiss IndexBinaryMultiHash", rows, "n", "faiss_multihash_us"),
    ]
    return [
        Plot(
            name="search-time",
            title="Exact search at radius 31, one thread",
            x="entries",
            y="microseconds a query",
            lines=lines,
            log="xy",
        )
    ]


def bytes_against_n(folder: Path) -> list[Plot]:
    """Search: bytes an entry against the number of entries."""
    rows = results(folder, "search")
    return [
        Plot(
            name="search-bytes",
            title="Memory of the ring index",
            x="entries",
            y="bytes an entry",
            lines=[line_of("Tutela", rows, "n", "bytes_per_hash")],
            log="x",
        )
    ]


def _megapixels(size: str) -> float:
    width, height = size.split("x")
    return int(width) * int(height) / 1e6


def time_against_size(folder: Path) -> list[Plot]:
    """PDQ of decoded pictures: milliseconds against megapixels."""
    rows = [
        {**row, "megapixels": _megapixels(row["size"])}
        for result in results(folder, "pictures")
        for row in result["pictures"]
    ]
    return [
        Plot(
            name="pictures-time",
            title="PDQ of a decoded picture, one core",
            x="megapixels",
            y="milliseconds a picture",
            lines=[
                line_of("Tutela", rows, "megapixels", "tutela_ms"),
                line_of("pdqhash", rows, "megapixels", "pdqhash_ms"),
            ],
            log="xy",
        )
    ]


AXES = {
    "re-encoding": "JPEG quality",
    "scaling": "scaled to (times the size)",
    "crop": "per cent cut off each side",
    "small rotation": "degrees turned",
}


def detection_against_edit(folder: Path) -> list[Plot]:
    """Robustness: share found against the strength of each edit that has one."""
    plots = []
    for result in results(folder, "robustness"):
        for family, axis in AXES.items():
            rows = [
                {**row, **{name: 100 * row[name] for name in HASHERS}}
                for row in result["rows"]
                if row["family"] == family
            ]
            plots.append(
                Plot(
                    name=f"robustness-{family.replace(' ', '-')}",
                    title=f"Found at distance 31 or less: {family}",
                    x=axis,
                    y="per cent of the pictures",
                    lines=[line_of(said, rows, "strength", name) for name, said in HASHERS.items()],
                    log="x" if family == "scaling" else "",
                )
            )
    return plots


ALL: tuple[Callable[[Path], list[Plot]], ...] = (
    time_against_n,
    bytes_against_n,
    time_against_size,
    detection_against_edit,
)


def draw(plot: Plot, path: Path) -> None:
    """Write one plot as SVG."""
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for line, look in zip(plot.lines, LOOKS, strict=False):
        if line.x:
            axes.plot(line.x, line.y, label=line.name, markersize=5, linewidth=1.4, **look)
    _dress(axes, plot)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    path.write_text(_described(path.read_text(encoding="utf-8"), plot), encoding="utf-8")


def _dress(axes: Axes, plot: Plot) -> None:
    axes.set_title(plot.title)
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    if "x" in plot.log:
        axes.set_xscale("log")
    if "y" in plot.log:
        axes.set_yscale("log")
    else:
        highest = max(float(line.get_ydata().max()) for line in axes.get_lines())  # type: ignore[union-attr]
        axes.set_ylim(0, 105 if plot.y.startswith("per cent") else 1.1 * highest)
    axes.grid(visible=True, color="#dddddd")
    axes.legend(frameon=False)


def _described(svg: str, plot: Plot) -> str:
    """The picture with its title and description where a screen reader looks for them."""
    opening = re.search(r"<svg\b[^>]*>", svg)
    if opening is None:
        raise SystemExit("matplotlib has drawn no SVG")
    said = opening[0][:-1] + ' role="img" aria-labelledby="title desc">'
    words = f'\n <title id="title">{escape(plot.title)}</title>'
    words += f'\n <desc id="desc">{escape(plot.description)}</desc>'
    whole = svg[: opening.start()] + said + words + svg[opening.end() :]
    return "\n".join(line.rstrip() for line in whole.splitlines()) + "\n"


def main() -> None:
    """Draw what the folder has results for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the results are, one JSON file each")
    parser.add_argument("--out", type=Path, default=PICTURES, help="where the pictures go")
    given = parser.parse_args()
    mpl.use("svg")
    plt.rc("svg", hashsalt="tutela", fonttype="none")
    plt.rc("axes.spines", top=False, right=False)
    for make in ALL:
        for plot in make(given.folder):
            if any(line.x for line in plot.lines):
                path = given.out / f"bench-{plot.name}.svg"
                draw(plot, path)
                print(path.name)


if __name__ == "__main__":
    main()
