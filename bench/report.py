"""The results of a bench: a table on the terminal, and a bar chart in bench/results/."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Bound:
    """A ratio that a bench states, and what it has to reach."""

    what: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool:
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def __str__(self) -> str:
        wanted = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        return f"{self.what}: {self.value:.2f} (asked: {wanted}) {'holds' if self.holds else 'FALLS SHORT'}"


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], bounds: Sequence[Bound]) -> None:
    """Print one table, and below it each bound."""
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console = Console(width=130)
    console.print(table)
    for bound in bounds:
        console.print(f"  {bound}", highlight=False)


def draw(name: str, title: str, unit: str, bars: Sequence[tuple[str, float]]) -> Path:
    """Draw horizontal bars into bench/results/<name>.svg and return its path."""
    RESULTS.mkdir(exist_ok=True)
    figure = Figure(figsize=(8, 0.9 + 0.55 * len(bars)))
    axes = figure.subplots()
    labels, values = zip(*bars, strict=True)
    drawn = axes.barh(labels, values, color="#3b6ea5")
    axes.bar_label(drawn, fmt="%.3g", padding=3)
    axes.invert_yaxis()
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    path = RESULTS / f"{name}.svg"
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    return path
