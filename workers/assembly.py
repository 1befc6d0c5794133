"""Assembles the parts that work on uploads: for the worker, for `airlock release`, and for tests."""

import functools
import random
from collections.abc import Mapping
from dataclasses import dataclass

from airlock.callables import Clock, Uniform
from airlock.profiles import Profiles
from airlock.targets import TargetKind
from aws.buses import Buses
from aws.clients import SERVICES, Clients
from aws.dynamodb.records import Records
from aws.dynamodb.usage_counters import UsageCounters
from aws.s3.objects import Objects
from aws.settings import AwsSettings
from aws.sqs.queue import Queue
from workers.inspection.inspector import Inspector
from workers.intake.admission import Admission
from workers.intake.executor import Executor
from workers.journey import Journey
from workers.rescan import Rescan
from workers.settlement.buckets import Buckets
from workers.settlement.effects import Effects
from workers.settlement.publishing import Publisher
from workers.settlement.revision import Revision
from workers.settlement.settlement import Settlement
from workers.settlement.storage import Storage
from workers.settlement.withdrawal import Withdrawal

_SERVICES_OF_TARGETS: Mapping[TargetKind, tuple[str, ...]] = {"sns": ("sns", "sts"), "eventbridge": ("events",)}


def services(profiles: Profiles) -> list[str]:
    """The AWS services to connect to: those of the targets only where a profile notifies one."""
    needed = (names for kind, names in _SERVICES_OF_TARGETS.items() if profiles.notified(kind))
    return [*SERVICES, *(name for names in needed for name in names)]


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts that need no inspector; `executor` and `rescan` make those that do."""

    objects: Objects
    records: Records
    profiles: Profiles
    admission: Admission
    effects: Effects
    settlement: Settlement
    revision: Revision
    withdrawal: Withdrawal
    accepted_bucket: str
    now: Clock

    def executor(self, inspector: Inspector, max_attempts: int, *, uniform: Uniform = random.uniform) -> Executor:
        """The executor of the queue's messages; it gives up on a message at its `max_attempts`-th delivery."""
        journey = Journey(
            self.objects, self.records, inspector, self.settlement, self.withdrawal, self.profiles, self.now
        )
        rescan = self.rescan(inspector)
        return Executor(self.admission, journey, self.withdrawal, rescan, max_attempts, self.now, uniform=uniform)

    def rescan(self, inspector: Inspector) -> Rescan:
        """The rescan of accepted objects."""
        return Rescan(self.objects, self.records, inspector, self.revision, self.profiles, self.accepted_bucket)


def assemble(settings: AwsSettings, profiles: Profiles, clients: Clients, queue: Queue, now: Clock) -> Assembly:
    """Connect all parts over one set of clients, which must have `services(profiles)`. Nothing is sent yet."""
    objects, records = Objects(clients.s3), Records(clients.dynamodb, settings.table)
    counters = UsageCounters(clients.dynamodb, settings.table)
    buckets = Buckets.of(settings)
    secrets = [secret.get_secret_value().encode() for secret in settings.secrets]
    publisher = Publisher(queue, Buses(clients, settings.region), settings.delivery_queue, now)
    effects = Effects(
        Storage(objects, records, buckets),
        publisher,
        functools.partial(counters.count_accepted, quotas=profiles.quotas),
    )
    return Assembly(
        objects=objects,
        records=records,
        profiles=profiles,
        admission=Admission(objects, buckets.incoming, buckets.incoming_prefix, profiles, secrets),
        effects=effects,
        settlement=Settlement(objects, records, effects, now),
        revision=Revision(records, effects, now),
        withdrawal=Withdrawal(objects, records, effects.storage, buckets, profiles),
        accepted_bucket=buckets.accepted,
        now=now,
    )
