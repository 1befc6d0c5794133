"""The CORS rule of a bucket. Rules of others stay, and keep their order."""

from collections.abc import Sequence
from typing import Any

from airlock.origins import ANY
from ops.provision.clients import NO_BUCKET, unless
from ops.provision.setting import ConflictError, Setting

NO_RULES = {*NO_BUCKET, "NoSuchCORSConfiguration"}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
MAX_RULES = 100

Rule = dict[str, Any]


def incoming(origins: Sequence[str]) -> Rule:
    """Pages of `origins` post forms to the incoming bucket."""
    return _ours("incoming", origins, "POST", "ETag", "Location")


def accepted(origins: Sequence[str]) -> Rule:
    """Pages of `origins` read from the accepted bucket."""
    return _ours("accepted", origins, "GET", "ETag", "Content-Disposition")


def _ours(place: str, origins: Sequence[str], method: str, *exposed: str) -> Rule:
    return {
        "ID": f"airlock-{place}",
        "AllowedOrigins": list(origins),
        "AllowedMethods": [method],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": list(exposed),
        "MaxAgeSeconds": 3600,
    }


def setting(s3: Any, bucket: str, ours: Rule) -> Setting:
    """The rule of one bucket; it is removed where it has no origin."""
    wanted = ours if ours["AllowedOrigins"] else None

    async def stored() -> tuple[list[Rule], list[Rule]]:
        answer = await unless(NO_RULES, s3.get_bucket_cors(Bucket=bucket))
        rules = answer["CORSRules"] if answer else []
        return [rule for rule in rules if _is_ours(rule, ours)], [rule for rule in rules if not _is_ours(rule, ours)]

    async def read() -> Any:
        made, others = await stored()
        if wanted and len(others) >= MAX_RULES:
            raise ConflictError(
                f"bucket {bucket} has {len(others)} CORS rules of others, and S3 allows {MAX_RULES}: remove one"
            )
        return made[0] if len(made) == 1 else made or None

    async def write() -> None:
        _, others = await stored()
        rules = _ordered(wanted, others)
        if rules:
            await s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
        else:
            await s3.delete_bucket_cors(Bucket=bucket)

    return Setting(f"bucket {bucket}", "cors", wanted, read, write)


def _is_ours(rule: Rule, ours: Rule) -> bool:
    """By its id. Earlier versions of `airlock provision` wrote the same rule without one."""
    kept = ("AllowedMethods", "AllowedHeaders", "ExposeHeaders", "MaxAgeSeconds")
    return rule["ID"] == ours["ID"] if "ID" in rule else all(rule.get(key) == ours[key] for key in kept)


def _ordered(ours: Rule | None, others: list[Rule]) -> list[Rule]:
    """S3 takes the first rule that matches: ours before those that are wider, and after all where it takes any origin.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
    """
    if ours is None:
        return others
    return [*others, ours] if ANY in ours["AllowedOrigins"] else [ours, *others]
