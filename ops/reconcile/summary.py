"""What a run found and repaired: counts and a few examples of each discrepancy, however many there are."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ops.reconcile.discrepancy import Discrepancy

MAX_EXAMPLES = 5


@dataclass(slots=True)
class DiscrepancyCount:
    """How often one discrepancy was found and repaired, with some examples by name."""

    found: int = 0
    repaired: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.found - self.repaired


@dataclass
class Summary:
    """`scanned` counts what was scanned, by place. `held_back`: the queue was too full to send all messages."""

    dry_run: bool = False
    held_back: bool = False
    scanned: Counter[str] = field(default_factory=Counter)
    counts: dict[Discrepancy, DiscrepancyCount] = field(default_factory=dict)

    def found(self, discrepancy: Discrepancy, example: str) -> None:
        """Count one that was found."""
        count = self.counts.setdefault(discrepancy, DiscrepancyCount())
        count.found += 1
        if len(count.examples) < MAX_EXAMPLES:
            count.examples.append(example)

    def repaired(self, discrepancy: Discrepancy) -> None:
        """Count one, found before, as repaired."""
        self.counts[discrepancy].repaired += 1

    def of(self, discrepancy: Discrepancy) -> DiscrepancyCount:
        """The count of one discrepancy; zeros where none was found."""
        return self.counts.get(discrepancy, DiscrepancyCount())

    def in_order(self) -> list[tuple[Discrepancy, DiscrepancyCount]]:
        """The counts of all that were found, in the order of `Discrepancy`."""
        return [(each, self.counts[each]) for each in Discrepancy if each in self.counts]

    @property
    def repairs(self) -> int:
        """How many repairs were made in all."""
        return sum(count.repaired for count in self.counts.values())

    def document(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {
            "dry_run": self.dry_run,
            "held_back": self.held_back,
            "looked": dict(self.scanned),
            "kinds": {
                discrepancy.value: {
                    "found": count.found,
                    "repaired": count.repaired,
                    "left": count.left,
                    "examples": count.examples,
                }
                for discrepancy, count in self.in_order()
            },
        }
