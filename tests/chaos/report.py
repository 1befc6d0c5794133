"""The report of a run, as plain text: the injected faults, and how the uploads ended."""

import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.faults import SERVICES, Fault
from tests.chaos.verification import shortened

WIDTH = 110


@dataclass
class Report:
    """`injected` is what the injector printed. All counts are for the whole run."""

    seed: int
    uploads: int
    workers: int
    seconds: float = 0.0
    injected: dict[str, Any] = field(default_factory=dict)
    disturbances: Mapping[str, int] = field(default_factory=dict)
    delivery: Mapping[str, int] = field(default_factory=dict)
    logged: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, int] = field(default_factory=dict)
    events: int = 0
    repaired: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def rerun(self) -> str:
        """The command that repeats the run."""
        return f"make soak SEED={self.seed} UPLOADS={self.uploads} WORKERS={self.workers}"

    def __str__(self) -> str:
        text = io.StringIO()
        console = Console(file=text, width=WIDTH)
        console.print(f"{self.uploads} uploads, {self.workers} workers, seed {self.seed}, {self.seconds:.0f} s\n")
        console.print(self._faults())
        for name, counts in self._counts().items():
            console.print(f"{name}: " + ", ".join(f"{count} {what}" for what, count in counts.items()), highlight=False)
        problems = shortened(self.problems) or [
            "every upload ended once, in its planned state, and nothing is left over"
        ]
        console.print("\n" + "\n".join(problems), highlight=False, markup=False)
        if self.problems:
            console.print(f"\nRepeat it with: {self.rerun}", highlight=False)
        return text.getvalue()

    def _faults(self) -> Table:
        injected = Counter({(service, fault): count for service, fault, count in self.injected.get("injected", ())})
        requests = Counter(self.injected.get("requests", {}))
        table = Table("injected", *SERVICES, title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for fault in Fault:
            table.add_row(fault.value, *(str(injected[service, fault.value] or "") for service in SERVICES))
        table.add_section()
        table.add_row("requests", *(str(requests[service]) for service in SERVICES))
        return table

    def _counts(self) -> dict[str, Mapping[str, int]]:
        return {
            "Disturbances": self.disturbances,
            "Notifications": self.delivery,
            "Workers' logs": dict(sorted(self.logged.items(), key=lambda one: -one[1])[:12]),
            "Verdict events": {"received": self.events},
            "Repaired": {f"in round {n}": left for n, left in enumerate(self.repaired, 1)},
            "Uploads": self.states,
        }
