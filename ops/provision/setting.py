"""One thing to provision: what is there, what is wanted, and how to make it so."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Value = Any
"""JSON-like: what AWS answered, reduced to what we care for. None: not there."""


@dataclass(frozen=True)
class Setting:
    """`what` of a `resource`, such as the versioning of a bucket.

    `read` answers None while the resource itself is not there yet, and that of a resource's first setting answers so
    only then. `write` is called only where `read` answered something else than `wanted`, and after the writes of all
    settings before this one.
    """

    resource: str
    what: str
    wanted: Value
    read: Callable[[], Awaitable[Value]]
    write: Callable[[], Awaitable[object]]

    async def plan(self) -> "Change | None":
        """What would be changed, or None where all is as wanted. Changes nothing."""
        before = await self.read()
        return None if before == self.wanted else Change(self, before)


@dataclass(frozen=True)
class Change:
    """A setting that is not as wanted."""

    setting: Setting
    before: Value

    async def apply(self) -> None:
        """Make it as wanted."""
        await self.setting.write()

    def lines(self) -> list[tuple[str, str, str]]:
        """(what, before, after) for each single value that differs; `none` is what is not there."""
        old = dict(_leaves(self.setting.what, self.before))
        new = dict(_leaves(self.setting.what, self.setting.wanted))
        return [
            (path, old.get(path, "none"), new.get(path, "none"))
            for path in {**new, **old}
            if old.get(path) != new.get(path)
        ]


async def planned(settings: Iterable[Setting]) -> list[Change]:
    """What is not as wanted, in the same order. Nothing more is asked about a resource that is not there."""
    there: dict[str, bool] = {}
    changes: list[Change] = []
    for setting in settings:
        change = await setting.plan() if there.get(setting.resource, True) else Change(setting, None)
        there.setdefault(setting.resource, change is None or change.before is not None)
        if change is not None:
            changes.append(change)
    return changes


def _leaves(path: str, value: Value) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _leaves(f"{path}.{key}", inner)
        case [dict(), *_]:
            for place, inner in enumerate(value):
                yield from _leaves(f"{path}[{place}]", inner)
        case list():
            yield path, ", ".join(map(str, value))
        case None:
            return
        case _:
            yield path, str(value)
