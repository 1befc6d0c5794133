"""One setting of a resource: how to read it, its wanted value, and how to change it."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from airlock.errors import AirlockError
from ops.provision.clients import CallError

Value = Any
"""JSON-like: the part of AWS's response that is ours. None: there is none."""


class ConflictError(AirlockError):
    """What is there belongs to somebody else, and cannot be merged. The message names it and says what to do."""


@dataclass(frozen=True)
class Setting:
    """`what` of a `resource`, such as the versioning of a bucket.

    `read` returns only what is ours, and None where there is none; for the first setting of a resource it returns None
    only while the resource does not exist. It raises ConflictError for everything that `write` could not merge.
    `write` is called only where `read` returned something other than `wanted`, and after the writes of all earlier
    settings. It leaves what is not ours as it is.
    """

    resource: str
    what: str
    wanted: Value
    read: Callable[[], Awaitable[Value]]
    write: Callable[[], Awaitable[object]]

    async def plan(self) -> "PlannedChange | None":
        """The change that is needed, or None. Raises ConflictError and CallError."""
        with self._named():
            before = await self.read()
        return None if before == self.wanted else PlannedChange(self, before)

    async def apply(self) -> None:
        """Write the wanted value. Raises CallError."""
        with self._named():
            await self.write()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise CallError(f"{self.resource}, {self.what}: {error}") from error


class Difference(NamedTuple):
    """One value, by its path in the setting: empty where the setting is a single value. None: there is no value."""

    path: tuple[str, ...]
    before: str | None
    after: str | None


@dataclass(frozen=True)
class PlannedChange:
    """A setting whose value is not the wanted one."""

    setting: Setting
    before: Value
    created: bool = False
    """Whether the resource does not exist yet."""

    async def apply(self) -> None:
        """Write the wanted value. Raises CallError."""
        await self.setting.apply()

    def differences(self) -> list[Difference]:
        """Each single value that differs."""
        old = dict(_leaves((), self.before))
        new = dict(_leaves((), self.setting.wanted))
        return [
            Difference(path, old.get(path), new.get(path)) for path in {**new, **old} if old.get(path) != new.get(path)
        ]


async def planned(settings: Iterable[Setting]) -> list[PlannedChange]:
    """The changes that are needed, in the same order. Of a missing resource only the first setting is read.

    Raises ConflictError with all conflicts, a line each, and CallError.
    """
    there: dict[str, bool] = {}
    conflicts: list[str] = []
    changes: list[PlannedChange] = []
    for setting in settings:
        if not there.get(setting.resource, True):
            changes += [] if setting.wanted is None else [PlannedChange(setting, None, created=True)]
            continue
        try:
            change = await setting.plan()
        except ConflictError as conflict:
            conflicts.append(str(conflict))
            continue
        first = setting.resource not in there
        there.setdefault(setting.resource, change is None or change.before is not None)
        if change is not None:
            changes.append(PlannedChange(setting, change.before, created=first and change.before is None))
    if conflicts:
        raise ConflictError("\n".join(conflicts))
    return changes


def _leaves(path: tuple[str, ...], value: Value) -> Iterator[tuple[tuple[str, ...], str]]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _leaves((*path, key), inner)
        case [dict(), *_]:
            for place, inner in enumerate(value):
                yield from _leaves((*path, str(inner.get("Sid", place))), inner)
        case list():
            yield path, ", ".join(map(str, value))
        case None:
            return
        case _:
            yield path, str(value) or '""'
