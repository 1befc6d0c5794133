"""The operator's folder of rules, followed: what changes there is compiled and used, unless it is wrong."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from airlock.errors import Unavailable
from workers.inspection.yara.compiler import recompile
from workers.inspection.yara.rule_set import BadRules, FolderState, RuleSet, folder_state

log = logging.getLogger(__name__)

SECONDS = 5.0

Sleep = Callable[[float], Awaitable[object]]
Use = Callable[[RuleSet], Awaitable[None]]


class RuleFolder:
    """Looks every few seconds from `start` to `close`; between two looks it awaits `sleep`.

    A change is taken up at the second look that finds it unchanged: half of a copied folder is no set of rules.
    """

    def __init__(self, folder: Path, state: FolderState | None, sleep: Sleep) -> None:
        self._folder = folder
        self._tried = self._seen = state
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None

    def start(self, use: Use) -> None:
        """Begin to look, if that has not begun; `use` gets each set of rules that compiles."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow(use))

    async def close(self) -> None:
        """End it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _poll(self, use: Use) -> None:
        try:
            state = await asyncio.to_thread(folder_state, self._folder)
        except OSError as error:
            state = None
            if self._seen is not None:
                log.error("the YARA rules cannot be read, the old ones go on: %s", error)  # noqa: TRY400
        settled, self._seen = state == self._seen, state
        if state is not None and settled and state != self._tried:
            await self._reload(state, use)

    async def _follow(self, use: Use) -> None:
        while True:
            await self._sleep(SECONDS)
            await self._poll(use)

    async def _reload(self, state: FolderState, use: Use) -> None:
        try:
            rule_set = await recompile(self._folder)
        except BadRules as error:
            log.error("the YARA rules are refused, the old ones go on: %s", error)  # noqa: TRY400
        except (OSError, Unavailable) as error:
            log.warning("the YARA rules are tried again, the old ones go on: %s", error)
            return
        else:
            await use(rule_set)
            log.info("the YARA rules have changed", extra={"engine": rule_set.engine.version})
        self._tried = state
