"""Whether what a process depends on answers: each resource is asked by a call of its own, all at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from airlock.errors import AirlockError, Unavailable

log = logging.getLogger(__name__)

Ask = Callable[[], Awaitable[object]]
"""Raises Unavailable, with the resource's name, where the resource does not answer."""

# Seconds for which the answers are good enough for a probe, while all is well. What fails is asked again at each probe.
REUSE_SECONDS = 10.0


class Dependencies:
    """Asks for each resource, by name. A change is logged once, with the resource and the cause."""

    def __init__(self, asks: Mapping[str, Ask]) -> None:
        self._asks = asks
        self._problems: dict[str, Unavailable] = {}
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def asked(self) -> bool:
        """Whether it is known what answers."""
        return self._asked_at is not None

    def start(self) -> None:
        """Begin to ask, so that what is wrong from the start is logged."""
        _ = self._begin()

    async def ask(self) -> None:
        """Ask all of them now; raises Unavailable where one does not answer."""
        await asyncio.shield(self._begin())
        for problem in self._problems.values():
            raise problem

    async def problems(self, seconds: float) -> list[Unavailable]:
        """What does not answer. After so many `seconds` what was known before is returned, and asking goes on."""
        if not self._is_fresh():
            await asyncio.wait((self._begin(),), timeout=seconds)
        return list(self._problems.values())

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait((self._asking,))

    def _is_fresh(self) -> bool:
        if self._problems or self._asked_at is None:
            return False
        return asyncio.get_running_loop().time() - self._asked_at < REUSE_SECONDS

    def _begin(self) -> "asyncio.Task[None]":
        """The one task that asks; it is shared by all who want to know."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all(), name="dependencies")
        return self._asking

    async def _ask_all(self) -> None:
        answers = await asyncio.gather(*(_problem(name, ask) for name, ask in self._asks.items()))
        found = {name: problem for name, problem in zip(self._asks, answers, strict=True) if problem is not None}
        for name, problem in found.items():
            if str(problem) != str(self._problems.get(name)):
                log.warning("unavailable: %s", problem, extra={"resource": name, "cause": problem.detail})
        for name in self._problems.keys() - found.keys():
            log.info("available again: %s", name, extra={"resource": name})
        self._problems = found
        self._asked_at = asyncio.get_running_loop().time()


async def _problem(name: str, ask: Ask) -> Unavailable | None:
    try:
        await ask()
    except Unavailable as problem:
        return problem
    except AirlockError as problem:
        return Unavailable(name, str(problem))
    return None
