"""One run: uploads of known outcome through real workers, while everything around them fails."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airlock.events import withdrawal
from ops.dev.emulator import Emulator
from tests.chaos import plan as plans
from tests.chaos.delivery import Delivery
from tests.chaos.deployment import ChaosDeployment, opened
from tests.chaos.ending import Ending
from tests.chaos.fleet import Fleet, Scanner, injector, read_logs
from tests.chaos.listing import versions
from tests.chaos.plan import Plan, Planned
from tests.chaos.repair import repair
from tests.chaos.report import Report
from tests.chaos.verdicts import Verdicts

# The emulator looks through all messages of a queue for each request, so it never gets to hold many.
BACKLOG = 400
SENDERS = 8
POLL_SECONDS = 0.25
ROUNDS = 4
"""Of repair. One is enough unless an object arrives meanwhile."""


@dataclass(frozen=True)
class Run:
    """`patience` is how many seconds without an end of the work mean that something is stuck."""

    stack: Emulator
    folder: Path
    seed: int
    uploads: int
    workers: int
    patience: float
    faults: float = 1.0
    say: Callable[[str], None] = lambda _: None

    async def __call__(self) -> Report:
        """Do it all; whatever is not as it must be is in the report's `problems`."""
        report, began = Report(self.seed, self.uploads, self.workers), time.monotonic()
        try:
            await self._play(report)
        except Exception as error:
            error.add_note(f"The same again: {report.again}")
            raise
        report.seconds = time.monotonic() - began
        return report

    async def _play(self, report: Report) -> None:
        plan = plans.make(self.seed, self.uploads)
        async with contextlib.AsyncExitStack() as stack:
            clamd = await stack.enter_async_context(Scanner())
            deployment = await stack.enter_async_context(opened(self.stack, self.folder, clamd.address, time.time()))
            scene = Scene(self, deployment, plan)
            try:
                await scene.play(clamd, report)
            except TimeoutError:
                report.problems.append(f"{await scene.left()} are still waiting after {self.patience:.0f} s")
            ending = Ending(deployment, plan, scene.stored, scene.verdicts.events)
            report.problems += await ending.problems()
            report.states = ending.states


class Scene:
    """The parts of a run while it goes on. `stored`: the version of each upload's first body, by its number."""

    def __init__(self, run: Run, deployment: ChaosDeployment, plan: Plan) -> None:
        self._run = run
        self._deployment = deployment
        self._plan = plan
        self._delivery = Delivery(deployment, plan)
        self.verdicts = Verdicts(deployment)
        self.stored: dict[int, str] = {}

    async def play(self, clamd: Scanner, report: Report) -> None:
        """All of it, to the end. Raises TimeoutError."""
        run, settings = self._run, self._deployment.harness.settings
        dice = random.Random(f"{run.seed} disturbances")
        assert settings.endpoint_url
        fleet: Fleet | None = None
        try:
            async with injector(settings.endpoint_url, run.seed, run.faults, report.injected) as endpoint:
                fleet = Fleet(self._deployment.harness, endpoint, run.folder, run.workers, clamd, dice)
                async with fleet, asyncio.timeout(run.patience):
                    await self._through(fleet, report)
        finally:
            if fleet is not None:
                report.disturbances, report.delivery = fleet.done, self._delivery.counts
                report.events = self.verdicts.received
                report.logged, faults = read_logs(fleet.logs)
                report.problems += [*fleet.problems, *faults]

    async def _through(self, fleet: Fleet, report: Report) -> None:
        background = [asyncio.create_task(work) for work in (self._delivery.run(), self.verdicts.run(), fleet.watch())]
        work = asyncio.create_task(self._work(fleet, report))
        try:
            # None of the others returns unless something is wrong, which is raised here or told by the fleet.
            await asyncio.wait((work, *background), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(work, *background)
        while await self.verdicts.take():
            pass

    async def _work(self, fleet: Fleet, report: Report) -> None:
        disturbing = asyncio.create_task(fleet.disturb(self._points(), lambda: len(self.verdicts.events)))
        try:
            await self._upload_all()
            await self._until_idle()
        finally:
            await _ended(disturbing)
        await self._repair(report)

    def _points(self) -> list[int]:
        """After how many verdicts something bad happens: at least six times, in the first three quarters."""
        times = max(6, self._run.uploads // 100)
        dice = random.Random(f"{self._run.seed} points")
        return sorted(dice.randrange(int(self._run.uploads * 0.75)) for _ in range(times))

    async def _upload_all(self) -> None:
        for number, poison in enumerate(self._plan.poison):
            self._delivery.post(f"poison {number}", poison)
        waiting = iter(self._plan.uploads)

        async def send() -> None:
            async with asyncio.TaskGroup() as later:
                for planned in waiting:
                    await self._upload(planned, later)
                    if planned.number % 500 == 499:
                        self._run.say(f"{planned.number + 1} stored, {len(self.verdicts.events)} have a verdict")
                    await self._until_at_most(BACKLOG)

        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(send())

    async def _upload(self, planned: Planned, later: asyncio.TaskGroup) -> None:
        sent = await self._deployment.put(planned, planned.body)
        self.stored[planned.number] = sent.version_id
        if planned.second is not None:
            later.create_task(self._replay(planned, planned.second))
        if planned.withdrawn_after is not None:
            later.create_task(self._withdraw(planned, planned.withdrawn_after))

    async def _replay(self, planned: Planned, second: bytes) -> None:
        await asyncio.sleep(planned.second_after)
        await self._deployment.put(planned, second)

    async def _withdraw(self, planned: Planned, after: float) -> None:
        await asyncio.sleep(after)
        upload = self._deployment.name(planned)
        await self._deployment.harness.records.withdraw(upload, planned.owner, time.time())
        self._delivery.post(f"withdrawal {planned.number}", withdrawal(upload))

    async def _backlog(self) -> int:
        return self._delivery.pending + await self._deployment.waiting(self._deployment.harness.settings.queue)

    async def _until_at_most(self, backlog: int) -> None:
        while await self._backlog() > backlog:  # noqa: ASYNC110 # the emulator tells nobody
            await asyncio.sleep(POLL_SECONDS)

    async def _until_idle(self) -> None:
        """Wait until nothing is announced, delivered or worked on any more."""
        quiet = 0
        while quiet < 2:
            await asyncio.sleep(POLL_SECONDS)
            queued = await self._deployment.waiting(self._deployment.notifications) + await self._backlog()
            quiet = 0 if queued else quiet + 1

    async def _repair(self, report: Report) -> None:
        """Repair until there is nothing to repair; in incoming may be left only that of which nobody was told."""
        s3, incoming = self._deployment.harness.clients.s3, self._deployment.harness.settings.incoming_bucket
        while len(report.repaired) < ROUNDS:
            left = await versions(s3, incoming)
            forgotten = [version for version in left if version.id not in self._delivery.lost or report.repaired]
            report.problems += [f"{each.key}, version {each.id}, was told of and left alone" for each in forgotten]
            if not (repaired := await repair(self._deployment)):
                return
            report.repaired.append(repaired)
            await self._until_idle()

    async def left(self) -> str:
        """What is waiting, in words."""
        queue = self._deployment.harness.settings.queue
        return (
            f"{await self._deployment.waiting(queue)} messages of the workers and {self._delivery.pending} deliveries"
        )


async def _ended(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks; the first failure of their own is raised once all have ended."""
    for task in tasks:
        task.cancel()
    for ending in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ending, BaseException) and not isinstance(ending, asyncio.CancelledError):
            raise ending
