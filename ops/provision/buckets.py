"""The three buckets: incoming, accepted and quarantine."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from airlock.profiles import Profiles
from ops.provision import cors, lifecycle
from ops.provision.clients import NO_BUCKET, ProvisioningClients, unless
from ops.provision.setting import ConflictError, Setting
from ops.settings import Settings

NO_POLICY = {*NO_BUCKET, "NoSuchBucketPolicy"}
EVERYBODY = ("*", {"AWS": "*"}, {"AWS": ["*"]})


def settings(clients: ProvisioningClients, wanted: Settings, profiles: Profiles) -> list[Setting]:
    """All settings of the three buckets except the notification, for which the queue must exist."""
    prefix = f"{wanted.incoming_prefix}/"
    incoming = lifecycle.expiring("incoming", wanted.incoming_days, prefix)
    expired = lifecycle.expiring("quarantine", wanted.quarantine_days)
    return [
        *_bucket(clients, wanted.incoming_bucket, "incoming", incoming),
        *_cors(clients, wanted.incoming_bucket, wanted, cors.incoming),
        # A record may name a version that is not the newest one, so no version expires here.
        *_bucket(clients, wanted.accepted_bucket, "accepted", lifecycle.unfinished(profiles)),
        *_cors(clients, wanted.accepted_bucket, wanted, cors.accepted),
        *_bucket(clients, wanted.quarantine_bucket, "quarantine", expired),
    ]


def _bucket(clients: ProvisioningClients, name: str, place: str, rules: lifecycle.Rules) -> list[Setting]:
    return [
        _existence(clients, name),
        _public_access(clients.s3, name),
        _versioning(clients.s3, name),
        _encryption(clients.s3, name),
        lifecycle.setting(clients.s3, name, place, rules),
    ]


def _cors(
    clients: ProvisioningClients, name: str, wanted: Settings, rule: Callable[[Sequence[str]], cors.Rule]
) -> list[Setting]:
    """Without any origins in the settings CORS stays as it is."""
    return [] if wanted.cors_origins is None else [cors.setting(clients.s3, name, rule(wanted.cors_origins))]


def _existence(clients: ProvisioningClients, name: str) -> Setting:
    async def read() -> Any:
        there = await unless(NO_BUCKET, clients.s3.head_bucket(Bucket=name))
        region = there and there.get("BucketRegion", clients.region)
        if region not in (None, clients.region):
            raise ConflictError(
                f"bucket {name} is in the region {region}, and AIRLOCK_REGION is {clients.region}: choose another name"
            )
        return region

    async def write() -> None:
        # us-east-1 is the one region that must not be named:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
        location = {"CreateBucketConfiguration": {"LocationConstraint": clients.region}}
        await clients.s3.create_bucket(Bucket=name, **({} if clients.region == "us-east-1" else location))

    return Setting(f"bucket {name}", "region", clients.region, read, write)


def _public_access(s3: Any, name: str) -> Setting:
    sides = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    blocked = "all blocked"

    async def read() -> Any:
        missing = {*NO_BUCKET, "NoSuchPublicAccessBlockConfiguration"}
        answer = await unless(missing, s3.get_public_access_block(Bucket=name))
        stored = answer["PublicAccessBlockConfiguration"] if answer else {}
        missing_sides = [side for side in sides if not stored.get(side)]
        if not missing_sides:
            return blocked
        await _nobody_else_is_let_in(s3, name)
        return answer and f"without {', '.join(missing_sides)}"

    async def write() -> None:
        await s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(sides, True))

    return Setting(f"bucket {name}", "public access", blocked, read, write)


async def _nobody_else_is_let_in(s3: Any, name: str) -> None:
    """Raises ConflictError where the bucket is public by its policy: that would end with Block Public Access."""
    stored = await unless(NO_POLICY, s3.get_bucket_policy(Bucket=name))
    statements = json.loads(stored["Policy"])["Statement"] if stored else []
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement["Effect"] == "Allow" and statement.get("Principal") in EVERYBODY and "Condition" not in statement:
            raise ConflictError(
                f"bucket {name} is public by its policy (statement {statement.get('Sid', 'without a Sid')}), and "
                "Airlock's buckets must not be: remove the statement, or choose another bucket"
            )


def _versioning(s3: Any, name: str) -> Setting:
    async def read() -> Any:
        answer = await unless(NO_BUCKET, s3.get_bucket_versioning(Bucket=name))
        if answer and answer.get("MFADelete") == "Enabled" and answer.get("Status") != "Enabled":
            raise ConflictError(
                f"bucket {name} has MFA delete, so its versioning needs your device: enable it yourself"
            )
        return answer and answer.get("Status", "Off")

    async def write() -> None:
        await s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    return Setting(f"bucket {name}", "versioning", "Enabled", read, write)


def _encryption(s3: Any, name: str) -> Setting:
    missing = {*NO_BUCKET, "ServerSideEncryptionConfigurationNotFoundError"}

    async def read() -> Any:
        answer = await unless(missing, s3.get_bucket_encryption(Bucket=name))
        if answer is None:
            return None
        rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
        algorithm = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
        # A KMS key of the account's owner is stronger than what we ask for.
        return "AES256" if algorithm.startswith("aws:kms") else algorithm

    async def write() -> None:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        await s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})

    return Setting(f"bucket {name}", "encryption", "AES256", read, write)
