"""The meter: holds owners and tenants to their quotas.

A replica knows its own usage exactly, and that of the other replicas as of its last report to the table. Signing never
waits for the table. While the table is unavailable, each replica counts for itself and keeps what it has to report.
"""

import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from airlock.callables import Clock
from airlock.errors import Refused
from airlock.quotas import Limit, Quotas, Subject, SubjectKind, Usage, Window
from service.identity.caller import Caller
from service.quotas.usage_reporter import Counter, UsageReporter

# Subjects held in memory. Each takes about a kilobyte.
MAX_SUBJECTS = 100_000
# How many of the least recently used subjects are tried for removal. With the table unavailable, perhaps none can be.
MAX_TRIES = 32


@dataclass(eq=False, slots=True)
class _Account:
    """One subject's limits, each with the counter of its current window."""

    subject: Subject
    limits: tuple[Limit, ...]
    counters: tuple[Counter, ...] = ()
    rows: tuple[tuple[Limit, Counter], ...] = ()
    since: int = 0
    until: int = 0

    def renew(self, now: float) -> None:
        """Start new counters for the windows that have ended."""
        windows = {Window.at(now, limit.seconds) for limit in self.limits}
        kept = {counter.window: counter for counter in self.counters}
        counters = {window.seconds: kept.get(window) or Counter(self.subject, window) for window in windows}
        self.counters = tuple(counters.values())
        self.rows = tuple((limit, counters[limit.seconds]) for limit in self.limits)
        self.since = max(window.start for window in windows)
        self.until = min(window.end for window in windows)

    def forbids(self, most_bytes: int) -> bool:
        """Whether an upload of `most_bytes` would exceed a limit."""
        return any(limit.forbids(counter.used, most_bytes) for limit, counter in self.rows)

    def refresh(self, most_bytes: int, reporter: UsageReporter) -> None:
        """Have the counters read that refuse an upload of `most_bytes`."""
        for limit, counter in self.rows:
            if limit.forbids(counter.used, most_bytes):
                reporter.refresh(counter)


class Charge:
    """One upload that counts on this replica. A block that it opens pays it, and the other replicas are told of it; one
    that ends without having paid charges nothing.

    `headers` are the RateLimit headers of the response.
    """

    __slots__ = ("_counters", "_held", "_reporter", "headers")

    def __init__(
        self, headers: Mapping[str, str], reporter: UsageReporter, counters: Sequence[Counter], charged: Usage
    ) -> None:
        self.headers = headers
        self._reporter = reporter
        self._counters = counters
        self._held = charged

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for counter in self._counters:
            self._reporter.release(counter, self._held)

    def pay(self, most_bytes: int) -> None:
        """Charge the upload, of `most_bytes` at most: a policy was issued that accepts no more."""
        for counter in self._counters:
            self._reporter.report(counter, Usage(1, most_bytes))


class Meter:
    """Charges uploads to quotas. Without quotas nothing is counted, and nothing runs in the background."""

    def __init__(
        self, quotas: Quotas, reporter: UsageReporter, now: Clock, *, max_subjects: int = MAX_SUBJECTS
    ) -> None:
        kinds: Mapping[SubjectKind, tuple[Limit, ...]] = {
            "owner": quotas.owner.limits("owner"),
            "tenant": quotas.tenant.limits("tenant"),
        }
        self._limits = {kind: limits for kind, limits in kinds.items() if limits}
        self._policies = {kind: ", ".join(limit.policy for limit in limits) for kind, limits in self._limits.items()}
        self._reporter = reporter
        self._now = now
        self._max_subjects = max_subjects
        self._accounts: OrderedDict[Subject, _Account] = OrderedDict()
        self._free = Charge({}, reporter, (), Usage())

    def charge(self, caller: Caller, most_bytes: int) -> Charge:
        """Hold one upload of `most_bytes` at most for the caller's owner and tenant, until the charge's block ends.

        Raises Refused("too_many_requests"), and holds nothing, when that would exceed a limit.
        """
        if not self._limits:
            return self._free
        now = self._now()
        accounts = self._accounts_of(caller, now)
        if any(account.forbids(most_bytes) for account in accounts):
            for account in accounts:
                account.refresh(most_bytes, self._reporter)
            raise self._refusal(accounts, most_bytes, now)
        charged = Usage(1, most_bytes)
        counters = [counter for account in accounts for counter in account.counters]
        for counter in counters:
            self._reporter.hold(counter, charged)
        return Charge(self._headers(accounts, now), self._reporter, counters, charged)

    @contextlib.asynccontextmanager
    async def running(self, last_seconds: float) -> AsyncIterator[None]:
        """Report usage to the other replicas; at the end report what is left, within `last_seconds`."""
        async with self._reporter.running(last_seconds) if self._limits else contextlib.nullcontext():
            yield

    def _accounts_of(self, caller: Caller, now: float) -> list[_Account]:
        accounts = []
        for kind in self._limits:
            name = caller.owner if kind == "owner" else caller.tenant
            if name is not None:
                accounts.append(self._account(Subject(kind, name), now))
        return accounts

    def _account(self, subject: Subject, now: float) -> _Account:
        account = self._accounts.get(subject)
        if account is None:
            self._forget_one()
            account = self._accounts[subject] = _Account(subject, self._limits[subject.kind])
        else:
            self._accounts.move_to_end(subject)
        if not account.since <= now < account.until:
            account.renew(now)
        return account

    def _forget_one(self) -> None:
        """At the limit, forget the least recently used subject that was reported: the table can be read again."""
        if len(self._accounts) < self._max_subjects:
            return
        for subject, account in islice(self._accounts.items(), MAX_TRIES):
            if all(counter.reported for counter in account.counters):
                del self._accounts[subject]
                return

    def _headers(self, accounts: Sequence[_Account], now: float) -> dict[str, str]:
        """https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-11."""
        if not accounts:
            return {}
        standings = [
            f'"{limit.name}";r={limit.left(counter.used)};t={counter.window.remaining(now)}'
            for account in accounts
            for limit, counter in account.rows
        ]
        policies = [self._policies[account.subject.kind] for account in accounts]
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(standings)}

    def _refusal(self, accounts: Sequence[_Account], most_bytes: int, now: float) -> Refused:
        broken = [
            (counter.window.remaining(now), limit.period, limit.refusal(counter.used, most_bytes))
            for account in accounts
            for limit, counter in account.rows
            if limit.forbids(counter.used, most_bytes)
        ]
        # The limit that lasts longest: a retry before its end would be refused too.
        wait, period, sentence = max(broken)
        return Refused(
            "too_many_requests",
            f"{sentence}; the next {period} begins in {wait} s",
            retry_after=wait,
            headers=self._headers(accounts, now),
        )
