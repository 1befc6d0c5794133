"""The IAM policy of each pod for one deployment: exactly what it does, and nothing else.

The templates are `service.json`, `workers.json`, and `operator.json` for the person or job that runs the operator's
commands. Each action in them belongs to a call in `aws/` or `ops/`. Where call and action have different names:

- A presigned POST needs `s3:PutObject` for its signer, and so does every step of a multipart copy except its abort:
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
- Objects are read by version, which needs `s3:GetObjectVersion` only. The source of a copy needs `s3:GetObject` as
  well, and the removal of a version `s3:DeleteObject`:
  https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html and API_DeleteObjects.html
- Without `s3:ListBucket` S3 answers 403 instead of 404:
  https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
- AWS authorizes SQS's batch calls by the names of the single ones; other servers use the names of the batches.
  `DeleteMessage*` and `SendMessage*` cover both, and on AWS allow nothing more.
- `s3:ListBucketMultipartUploads` has no condition `s3:prefix`, so it is allowed on the whole bucket:
  https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
- HEAD on a version needs the permission to read it: `s3:GetObjectVersion`.
- The service writes three things into the table: what upload sessions and quotas used, told by their keys, and the mark
  of a withdrawal, told by its attribute. `ForAllValues` is true where a request has no such key or attribute, so each
  statement asks for their presence too. Attributes are those of the key, of the update and of its condition:
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
- A transaction needs the actions of its items: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from airlock.profiles import Profiles
from aws.settings import AwsSettings

Pod = Literal["service", "workers", "operator"]
PODS: Final[tuple[Pod, ...]] = ("service", "workers", "operator")
PolicyDocument = dict[str, Any]
"""As in https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"""


def document(pod: Pod, settings: AwsSettings, profiles: Profiles, *, partition: str, account: str) -> PolicyDocument:
    """The IAM policy of a pod's role in a deployment: `partition` such as `aws`, `account` of twelve digits."""
    names = {**settings.model_dump(exclude={"secrets"}), "partition": partition, "account": account}
    template = json.loads((Path(__file__).parent / f"{pod}.json").read_text())
    filled: PolicyDocument = _filled(template, names, _lists(settings, profiles))
    # IAM refuses an empty list of resources: a statement about nothing that this deployment has is left out.
    filled["Statement"] = [statement for statement in filled["Statement"] if statement["Resource"]]
    return filled


def _lists(settings: AwsSettings, profiles: Profiles) -> Mapping[str, Sequence[str]]:
    """The placeholders of which a deployment has any number: an item that holds one is repeated for each value."""
    webhooks = bool(profiles.notified("webhook"))
    return {
        "{verdict_queue}": profiles.notified("sqs"),
        "{topic}": profiles.notified("sns"),
        "{bus}": profiles.notified("eventbridge"),
        "{delivery_queue}": [settings.delivery_queue] if webhooks else [],
        "{undelivered_queue}": [settings.undelivered_queue] if webhooks else [],
    }


def text(policy: PolicyDocument) -> str:
    """A policy as indented JSON."""
    return json.dumps(policy, indent=2)


def _filled(value: Any, names: Mapping[str, Any], lists: Mapping[str, Sequence[str]]) -> Any:
    match value:
        case dict():
            return {key: _filled(inner, names, lists) for key, inner in value.items()}
        case list():
            return [_filled(inner, names, lists) for each in value for inner in _each(each, lists)]
        case str():
            return value.format_map(names)
        case _:
            return value


def _each(value: Any, lists: Mapping[str, Sequence[str]]) -> Iterator[Any]:
    named = next((name for name in lists if isinstance(value, str) and name in value), None)
    if named is None:
        yield value
    else:
        yield from (value.replace(named, each) for each in lists[named])
