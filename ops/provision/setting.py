"""One setting of a resource: how to read it, its wanted value, and how to change it."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Value = Any
"""JSON-like: the part of AWS's response that matters here. None: it does not exist."""


@dataclass(frozen=True)
class Setting:
    """`what` of a `resource`, such as the versioning of a bucket.

    `read` returns None while the resource does not exist; for the first setting of a resource it returns None only
    then. `write` is called only where `read` returned something other than `wanted`, and after the writes of all
    earlier settings.
    """

    resource: str
    what: str
    wanted: Value
    read: Callable[[], Awaitable[Value]]
    write: Callable[[], Awaitable[object]]

    async def plan(self) -> "PlannedChange | None":
        """The change that is needed, or None."""
        before = await self.read()
        return None if before == self.wanted else PlannedChange(self, before)


@dataclass(frozen=True)
class PlannedChange:
    """A setting whose value is not the wanted one."""

    setting: Setting
    before: Value

    async def apply(self) -> None:
        """Write the wanted value."""
        await self.setting.write()

    def lines(self) -> list[tuple[str, str, str]]:
        """(what, before, after) for each single value that differs; `none` where there is no value."""
        old = dict(_leaves(self.setting.what, self.before))
        new = dict(_leaves(self.setting.what, self.setting.wanted))
        return [
            (path, old.get(path, "none"), new.get(path, "none"))
            for path in {**new, **old}
            if old.get(path) != new.get(path)
        ]


async def planned(settings: Iterable[Setting]) -> list[PlannedChange]:
    """The changes that are needed, in the same order. Of a missing resource only the first setting is read."""
    there: dict[str, bool] = {}
    changes: list[PlannedChange] = []
    for setting in settings:
        change = await setting.plan() if there.get(setting.resource, True) else PlannedChange(setting, None)
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
