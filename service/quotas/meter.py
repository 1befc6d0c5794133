"""The meter: what owners and tenants take, held to their quotas.

A replica knows exactly what it let pass itself, and of the others what the table said when it was last told something.
Signing never waits for the table; while that is away, each replica counts for itself and keeps what it has to tell.
"""

import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from airlock.callables import Clock
from airlock.errors import Refused
from airlock.quotas import Limit, Quotas, Subject, SubjectKind, Usage, Window
from service.identity.caller import Caller
from service.quotas.usage_reporter import Counter, Teller

# About a kilobyte each.
MOST_SUBJECTS = 100_000
# How many of the longest unused are looked at for one that can go: with the table away perhaps none may.
MOST_LOOKS = 32


@dataclass(eq=False, slots=True)
class _Account:
    """One subject's limits, each with its counter of the window that is now."""

    subject: Subject
    limits: tuple[Limit, ...]
    counters: tuple[Counter, ...] = ()
    rows: tuple[tuple[Limit, Counter], ...] = ()
    since: int = 0
    until: int = 0

    def turn(self, now: float) -> None:
        """Begin counters where a window is over."""
        windows = {Window.at(now, limit.seconds) for limit in self.limits}
        kept = {counter.window: counter for counter in self.counters}
        counters = {window.seconds: kept.get(window) or Counter(self.subject, window) for window in windows}
        self.counters = tuple(counters.values())
        self.rows = tuple((limit, counters[limit.seconds]) for limit in self.limits)
        self.since = max(window.start for window in windows)
        self.until = min(window.end for window in windows)

    def forbids(self, most_bytes: int) -> bool:
        """Whether any limit does."""
        return any(limit.forbids(counter.used, most_bytes) for limit, counter in self.rows)


class Charge:
    """One upload that was charged. `headers` are the RateLimit fields of its answer."""

    __slots__ = ("_counters", "_taken", "_teller", "headers")

    def __init__(self, headers: Mapping[str, str], teller: Teller, counters: Sequence[Counter], taken: Usage) -> None:
        self.headers = headers
        self._teller = teller
        self._counters = counters
        self._taken = taken

    def undo(self) -> None:
        """Take it back: nothing was issued."""
        self._give_back(self._taken)

    def lower(self, most_bytes: int) -> None:
        """Take back what is above `most_bytes`: the policy takes no more than that."""
        self._give_back(Usage(0, self._taken.declared_bytes - most_bytes))

    def _give_back(self, excess: Usage) -> None:
        for counter in self._counters:
            self._teller.take(counter, excess.negative())


class Meter:
    """Holds callers to quotas. Where there are none, nothing is counted and nothing runs."""

    def __init__(self, quotas: Quotas, teller: Teller, now: Clock, *, most_subjects: int = MOST_SUBJECTS) -> None:
        kinds: Mapping[SubjectKind, tuple[Limit, ...]] = {
            "owner": quotas.owner.limits("owner"),
            "tenant": quotas.tenant.limits("tenant"),
        }
        self._limits = {kind: limits for kind, limits in kinds.items() if limits}
        self._policies = {kind: ", ".join(limit.policy for limit in limits) for kind, limits in self._limits.items()}
        self._teller = teller
        self._now = now
        self._most_subjects = most_subjects
        self._accounts: OrderedDict[Subject, _Account] = OrderedDict()
        self._free = Charge({}, teller, (), Usage())

    def charge(self, caller: Caller, most_bytes: int) -> Charge:
        """Count one upload of `most_bytes` at most, for the caller's owner and tenant. Waits for nothing.

        Raises Refused("too_many_requests") where that would pass a limit, and then counts nothing.
        """
        if not self._limits:
            return self._free
        now = self._now()
        accounts = self._accounts_of(caller, now)
        if any(account.forbids(most_bytes) for account in accounts):
            raise self._refusal(accounts, most_bytes, now)
        taken = Usage(1, most_bytes)
        counters = [counter for account in accounts for counter in account.counters]
        for counter in counters:
            self._teller.take(counter, taken)
        return Charge(self._headers(accounts, now), self._teller, counters, taken)

    @contextlib.asynccontextmanager
    async def running(self, last_seconds: float) -> AsyncIterator[None]:
        """Tell the other replicas what is taken; at the end what is left, for so many seconds at most."""
        async with self._teller.running(last_seconds) if self._limits else contextlib.nullcontext():
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
            self._make_room()
            account = self._accounts[subject] = _Account(subject, self._limits[subject.kind])
        else:
            self._accounts.move_to_end(subject)
        if not account.since <= now < account.until:
            account.turn(now)
        return account

    def _make_room(self) -> None:
        """Forget the longest unused of the subjects of whom the table knows all: it can be asked again."""
        if len(self._accounts) < self._most_subjects:
            return
        for subject, account in islice(self._accounts.items(), MOST_LOOKS):
            if all(counter.settled for counter in account.counters):
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
        # The one that lasts longest: before its end nothing else helps.
        wait, period, sentence = max(broken)
        return Refused(
            "too_many_requests",
            f"{sentence}; the next {period} begins in {wait} s",
            retry_after=wait,
            headers=self._headers(accounts, now),
        )
