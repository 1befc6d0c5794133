"""Polls the operator's folder of rules: a changed folder is compiled and used, unless a rule in it is wrong."""

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
    """Polls `folder` every few seconds from `start` to `close`; `sleep` waits between two polls.

    `state` is the folder's state when its rules were last compiled. A change is compiled when the next poll finds the
    same state again, so that a folder is not compiled while files are copied into it.
    """

    def __init__(self, folder: Path, state: FolderState | None, sleep: Sleep) -> None:
        self._folder = folder
        self._tried = self._seen = state
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None

    def start(self, use: Use) -> None:
        """Begin to poll, unless that has begun; `use` gets each new set of rules."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow(use))

    async def close(self) -> None:
        """End polling."""
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
                log.error("the YARA rules cannot be read, the old rules stay in use: %s", error)  # noqa: TRY400
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
            log.error("the YARA rules do not compile, the old rules stay in use: %s", error)  # noqa: TRY400
        except (OSError, Unavailable) as error:
            log.warning("the YARA rules could not be compiled now, the old rules stay in use: %s", error)
            return
        else:
            await use(rule_set)
            log.info("the YARA rules have changed", extra={"engine": rule_set.engine.version})
        self._tried = state
