"""One run: uploads whose states are known in advance go through real workers, while everything around them fails."""

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
from tests.chaos.deployment import ChaosDeployment, opened
from tests.chaos.event_receiver import EventReceiver
from tests.chaos.listing import versions
from tests.chaos.notification_relay import NotificationRelay
from tests.chaos.plan import Plan, Planned
from tests.chaos.processes import Fleet, RestartableClamd, injector, read_logs
from tests.chaos.repair import repair
from tests.chaos.report import Report
from tests.chaos.verification import Verification

# Each request makes the emulator go through all messages of a queue, so a queue never gets many.
BACKLOG = 400
SENDERS = 8
POLL_SECONDS = 0.25
ROUNDS = 4
"""The most runs of reconcile. One is enough unless an object arrives meanwhile."""


@dataclass(frozen=True)
class Run:
    """`timeout` is in seconds. `faults` multiplies the rates of all faults; `show` gets lines about the progress."""

    emulator: Emulator
    folder: Path
    seed: int
    uploads: int
    workers: int
    timeout: float
    faults: float = 1.0
    show: Callable[[str], None] = lambda _: None

    async def __call__(self) -> Report:
        """Upload, work, disturb, repair and verify. The report lists all problems."""
        report, began = Report(self.seed, self.uploads, self.workers), time.monotonic()
        try:
            await self._play(report)
        except Exception as error:
            error.add_note(f"Repeat it with: {report.rerun}")
            raise
        report.seconds = time.monotonic() - began
        return report

    async def _play(self, report: Report) -> None:
        plan = plans.make(self.seed, self.uploads)
        async with contextlib.AsyncExitStack() as stack:
            clamd = await stack.enter_async_context(RestartableClamd())
            deployment = await stack.enter_async_context(opened(self.emulator, self.folder, clamd.address, time.time()))
            execution = Execution(self, deployment, plan)
            try:
                await execution.play(clamd, report)
            except TimeoutError:
                report.problems.append(f"{await execution.left()} are still waiting after {self.timeout:.0f} s")
            verification = Verification(deployment, plan, execution.stored, execution.events.events)
            report.problems += await verification.problems()
            report.states = verification.states


class Execution:
    """The parts of a run. `stored` has the version id of each upload's first body, by its number."""

    def __init__(self, run: Run, deployment: ChaosDeployment, plan: Plan) -> None:
        self._run = run
        self._deployment = deployment
        self._plan = plan
        self._delivery = NotificationRelay(deployment, plan)
        self.events = EventReceiver(deployment)
        self.stored: dict[int, str] = {}

    async def play(self, clamd: RestartableClamd, report: Report) -> None:
        """Run to the end. Raises TimeoutError."""
        run, settings = self._run, self._deployment.harness.settings
        rng = random.Random(f"{run.seed} disturbances")
        assert settings.endpoint_url
        fleet: Fleet | None = None
        try:
            async with injector(settings.endpoint_url, run.seed, run.faults, report.injected) as endpoint:
                fleet = Fleet(self._deployment.harness, endpoint, run.folder, run.workers, clamd, rng)
                async with fleet, asyncio.timeout(run.timeout):
                    await self._through(fleet, report)
        finally:
            if fleet is not None:
                report.disturbances, report.delivery = fleet.done, self._delivery.counts
                report.events = self.events.received
                report.logged, faults = read_logs(fleet.logs)
                report.problems += [*fleet.problems, *faults]

    async def _through(self, fleet: Fleet, report: Report) -> None:
        background = [asyncio.create_task(work) for work in (self._delivery.run(), self.events.run(), fleet.watch())]
        work = asyncio.create_task(self._work(fleet, report))
        try:
            # The background tasks return only when there is a problem, which is raised here or listed by the fleet.
            await asyncio.wait((work, *background), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(work, *background)
        while await self.events.take():
            pass

    async def _work(self, fleet: Fleet, report: Report) -> None:
        disturbing = asyncio.create_task(fleet.disturb(self._points(), lambda: len(self.events.events)))
        try:
            await self._upload_all()
            await self._until_idle()
        finally:
            await _ended(disturbing)
        await self._repair(report)

    def _points(self) -> list[int]:
        """The numbers of verdicts after which a disturbance comes: at least six, in the first three quarters."""
        times = max(6, self._run.uploads // 100)
        rng = random.Random(f"{self._run.seed} points")
        return sorted(rng.randrange(int(self._run.uploads * 0.75)) for _ in range(times))

    async def _upload_all(self) -> None:
        for number, poison in enumerate(self._plan.poison):
            self._delivery.post(f"poison {number}", poison)
        waiting = iter(self._plan.uploads)

        async def send() -> None:
            async with asyncio.TaskGroup() as later:
                for planned in waiting:
                    await self._upload(planned, later)
                    if planned.number % 500 == 499:
                        self._run.show(f"{planned.number + 1} stored, {len(self.events.events)} have a verdict")
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
        await self._deployment.harness.records.withdraw(upload, time.time())
        self._delivery.post(f"withdrawal {planned.number}", withdrawal(upload))

    async def _backlog(self) -> int:
        return self._delivery.pending + await self._deployment.waiting(self._deployment.harness.settings.queue)

    async def _until_at_most(self, backlog: int) -> None:
        while await self._backlog() > backlog:  # noqa: ASYNC110 # the emulator has no event for it
            await asyncio.sleep(POLL_SECONDS)

    async def _until_idle(self) -> None:
        """Wait until no message is in any queue, or about to be delivered."""
        quiet = 0
        while quiet < 2:
            await asyncio.sleep(POLL_SECONDS)
            queued = await self._deployment.waiting(self._deployment.notifications) + await self._backlog()
            quiet = 0 if queued else quiet + 1

    async def _repair(self, report: Report) -> None:
        """Repair until nothing is left to repair. Before, incoming may hold only what was never announced."""
        s3, incoming = self._deployment.harness.clients.s3, self._deployment.harness.settings.incoming_bucket
        while len(report.repaired) < ROUNDS:
            left = await versions(s3, incoming)
            forgotten = [version for version in left if version.id not in self._delivery.lost or report.repaired]
            report.problems += [f"{each.key}, version {each.id}, was announced and not worked on" for each in forgotten]
            if not (repaired := await repair(self._deployment)):
                return
            report.repaired.append(repaired)
            await self._until_idle()

    async def left(self) -> str:
        """What is waiting, for a message."""
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
