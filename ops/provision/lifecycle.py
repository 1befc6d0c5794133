"""The lifecycle rules of the three buckets. They hold for our keys alone, and rules of others stay."""

from typing import Any

from airlock import keys
from airlock.profile import Profile
from airlock.profiles import Profiles
from ops.provision.clients import NO_BUCKET, unless
from ops.provision.setting import ConflictError, Setting

NO_RULES = {*NO_BUCKET, "NoSuchLifecycleConfiguration"}
MULTIPART_DAYS = 7
"""Days after which an unfinished multipart upload is aborted; no policy lives as long."""
LOOKED_AT = 1000

Rules = dict[str, dict[str, Any]]
"""What each rule does and to which keys, by its id."""


def expiring(place: str, days: int, prefix: str = "") -> Rules:
    """Everything below `prefix` is removed after `days`."""
    # A version that was overwritten may be the one under inspection: it stays as long as the newest.
    # A rule with days cannot also remove the delete markers that it leaves, so a second rule does.
    return {
        f"airlock-{place}-expired": {
            "Prefix": prefix,
            "Expiration": {"Days": days},
            "NoncurrentVersionExpiration": {"NoncurrentDays": days},
        },
        f"airlock-{place}-markers": {"Prefix": prefix, "Expiration": {"ExpiredObjectDeleteMarker": True}},
        f"airlock-{place}-unfinished": _unfinished(prefix),
    }


def unfinished(profiles: Profiles) -> Rules:
    """Multipart uploads that were not finished, where profiles keep accepted objects, are aborted."""
    found = {_fixed(profile) for profile in profiles.profiles.values()}
    outermost = sorted(prefix for prefix in found if not any(prefix != p and prefix.startswith(p) for p in found))
    ids = {prefix: f"airlock-accepted-unfinished{prefix and '-'}{prefix}" for prefix in outermost}
    return {rule_id: _unfinished(prefix) for prefix, rule_id in ids.items()}


def _fixed(profile: Profile) -> str:
    """What all keys of the profile's accepted objects begin with."""
    return profile.accepted_key.replace("{profile}", profile.name).partition("{")[0]


def _unfinished(prefix: str) -> dict[str, Any]:
    return {"Prefix": prefix, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": MULTIPART_DAYS}}


def setting(s3: Any, bucket: str, place: str, rules: Rules) -> Setting:
    """The rules of one bucket. Those with an id of ours that is not among `rules` are removed."""

    async def stored() -> dict[str, Any]:
        answer = await unless(NO_RULES, s3.get_bucket_lifecycle_configuration(Bucket=bucket))
        return answer or {"Rules": []}

    async def read() -> Any:
        ours = {rule["ID"]: _actions(rule) for rule in (await stored())["Rules"] if _is_ours(rule, place)}
        if not ours and any("Expiration" in rule and not rule["Prefix"] for rule in rules.values()):
            await _holds_ours_alone(s3, bucket)
        return ours or None

    async def write() -> None:
        now = await stored()
        others = [rule for rule in now["Rules"] if not _is_ours(rule, place)]
        configuration = {"Rules": [*others, *(_written(rule_id, rule) for rule_id, rule in rules.items())]}
        await s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration=configuration, **_beside_the_rules(now)
        )

    return Setting(f"bucket {bucket}", "lifecycle", rules, read, write)


def _is_ours(rule: dict[str, Any], place: str) -> bool:
    return str(rule.get("ID", "")).startswith(f"airlock-{place}-")


def _actions(rule: dict[str, Any]) -> Any:
    if rule["Status"] != "Enabled":
        return "Disabled"
    kept = ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    prefix = rule.get("Filter", rule).get("Prefix", "")
    return {"Prefix": prefix, **{key: rule[key] for key in kept if key in rule}}


def _written(rule_id: str, rule: dict[str, Any]) -> dict[str, Any]:
    actions = {key: value for key, value in rule.items() if key != "Prefix"}
    return {"ID": rule_id, "Status": "Enabled", "Filter": {"Prefix": rule["Prefix"]}, **actions}


def _beside_the_rules(stored: dict[str, Any]) -> dict[str, Any]:
    """S3 resets this where it is not sent again.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
    """
    name = "TransitionDefaultMinimumObjectSize"
    return {name: stored[name]} if name in stored else {}


async def _holds_ours_alone(s3: Any, bucket: str) -> None:
    """Raises ConflictError where the rules would remove objects of others: the first keys are looked at."""
    answer = await unless(NO_RULES, s3.list_objects_v2(Bucket=bucket, MaxKeys=LOOKED_AT))
    for each in (answer or {}).get("Contents", []):
        if not keys.upload_ids_in(each["Key"]):
            raise ConflictError(
                f"bucket {bucket} holds {each['Key']}, which is not Airlock's and would be removed by its lifecycle "
                "rules: choose a bucket of Airlock's own"
            )
