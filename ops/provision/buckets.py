"""The three buckets: incoming, accepted and quarantine."""

from typing import Any

from ops.provision.clients import ProvisioningClients, unless
from ops.provision.setting import Setting
from ops.settings import Settings

NO_BUCKET = {"NoSuchBucket", "404"}
MULTIPART_DAYS = 7
"""Days after which an unfinished multipart upload is aborted; no policy lives as long."""


def settings(clients: ProvisioningClients, wanted: Settings) -> list[Setting]:
    """All settings of the three buckets except the notification, for which the queue must exist."""
    incoming, accepted, quarantine = wanted.incoming_bucket, wanted.accepted_bucket, wanted.quarantine_bucket
    return [
        setting
        for bucket, rules, cors in (
            (incoming, _expiring("incoming", wanted.incoming_days), _cors("POST", wanted, "ETag", "Location")),
            # A record may name a version that is not the newest one, so no version expires here.
            (accepted, _unfinished("accepted"), _cors("GET", wanted, "ETag", "Content-Disposition")),
            (quarantine, _expiring("quarantine", wanted.quarantine_days), None),
        )
        for setting in _bucket(clients, bucket, rules, cors)
    ]


def _bucket(
    clients: ProvisioningClients, name: str, rules: dict[str, Any], cors: dict[str, Any] | None
) -> list[Setting]:
    needed = [
        _existence(clients, name),
        _public_access(clients.s3, name),
        _versioning(clients.s3, name),
        _encryption(clients.s3, name),
        _lifecycle(clients.s3, name, rules),
    ]
    return needed if cors is None else [*needed, _cross_origin(clients.s3, name, cors)]


def _existence(clients: ProvisioningClients, name: str) -> Setting:
    async def read() -> Any:
        there = await unless(NO_BUCKET, clients.s3.head_bucket(Bucket=name))
        return None if there is None else clients.region

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
        return answer and f"without {', '.join(missing_sides)}"

    async def write() -> None:
        await s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(sides, True))

    return Setting(f"bucket {name}", "public access", blocked, read, write)


def _versioning(s3: Any, name: str) -> Setting:
    async def read() -> Any:
        answer = await unless(NO_BUCKET, s3.get_bucket_versioning(Bucket=name))
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


def _unfinished(name: str) -> dict[str, Any]:
    abort = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": MULTIPART_DAYS}}
    return {f"airlock-{name}-unfinished": abort}


def _expiring(name: str, days: int) -> dict[str, Any]:
    # A version that was overwritten may be the one under inspection: it stays as long as the newest.
    # A rule with days cannot also remove the delete markers that it leaves, so a second rule does.
    return {
        f"airlock-{name}-expired": {
            "Expiration": {"Days": days},
            "NoncurrentVersionExpiration": {"NoncurrentDays": days},
        },
        f"airlock-{name}-markers": {"Expiration": {"ExpiredObjectDeleteMarker": True}},
        **_unfinished(name),
    }


def _lifecycle(s3: Any, name: str, rules: dict[str, Any]) -> Setting:
    missing = {*NO_BUCKET, "NoSuchLifecycleConfiguration"}

    async def stored() -> list[dict[str, Any]]:
        answer = await unless(missing, s3.get_bucket_lifecycle_configuration(Bucket=name))
        return answer["Rules"] if answer else []

    async def read() -> Any:
        ours = {rule["ID"]: _actions(rule) for rule in await stored() if rule.get("ID") in rules}
        return ours or None

    async def write() -> None:
        others = [rule for rule in await stored() if rule.get("ID") not in rules]
        ours = [{"ID": key, "Status": "Enabled", "Filter": {"Prefix": ""}, **actions} for key, actions in rules.items()]
        await s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [*others, *ours]})

    return Setting(f"bucket {name}", "lifecycle", rules, read, write)


def _actions(rule: dict[str, Any]) -> Any:
    if rule["Status"] != "Enabled":
        return "Disabled"
    kept = ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    return {key: rule[key] for key in kept if key in rule}


def _cors(method: str, wanted: Settings, *exposed: str) -> dict[str, Any]:
    if not wanted.cors_origins:
        return {}
    return {
        "AllowedOrigins": list(wanted.cors_origins),
        "AllowedMethods": [method],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": list(exposed),
        "MaxAgeSeconds": 3600,
    }


def _cross_origin(s3: Any, name: str, cors: dict[str, Any]) -> Setting:
    async def read() -> Any:
        answer = await unless({*NO_BUCKET, "NoSuchCORSConfiguration"}, s3.get_bucket_cors(Bucket=name))
        rules = answer["CORSRules"] if answer else []
        return {key: value for key, value in rules[0].items() if key != "ID"} if len(rules) == 1 else rules or {}

    async def write() -> None:
        if cors:
            await s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [cors]})
        else:
            await s3.delete_bucket_cors(Bucket=name)

    return Setting(f"bucket {name}", "cors", cors, read, write)
