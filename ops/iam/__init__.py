"""What each pod may do on AWS, and nothing else: `service.json`, `workers.json`, and `operator.json` for whoever looks
after both, filled in for a deployment.

Each action is there for a call in `aws/`; where the calls and the actions differ in name:

- An upload's form needs `s3:PutObject` of whoever signed it, and so does every step of a multipart copy but its abort:
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
- Objects are read by version alone, which takes `s3:GetObjectVersion` only; of the source of a copy AWS asks for
  `s3:GetObject` as well, and of whoever removes a version for `s3:DeleteObject`:
  https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html and API_DeleteObjects.html
- Without `s3:ListBucket` S3 answers 403 for what is not there:
  https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
- AWS authorizes SQS's batches by the names of the single actions, and servers like it by their own: `DeleteMessage*`
  and `SendMessage*` are both, and on AWS nothing more.
- `s3:ListBucketMultipartUploads` knows no `s3:prefix`, so it is of the whole bucket:
  https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
- Who may look at a version's metadata alone, by HEAD, may read it too: `s3:GetObjectVersion`.
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
Document = dict[str, Any]


def document(pod: Pod, places: AwsSettings, profiles: Profiles, *, partition: str, account: str) -> Document:
    """The IAM policy of a pod's role in a deployment: `partition` such as `aws`, `account` of twelve digits."""
    names = {**places.model_dump(exclude={"secrets"}), "partition": partition, "account": account}
    template = json.loads((Path(__file__).parent / f"{pod}.json").read_text())
    filled: Document = _filled(template, names, _several(places, profiles))
    # One that is for nothing that this deployment has is none: IAM refuses an empty list.
    filled["Statement"] = [statement for statement in filled["Statement"] if statement["Resource"]]
    return filled


def _several(places: AwsSettings, profiles: Profiles) -> Mapping[str, Sequence[str]]:
    """What a deployment has several of, or none; what names one of these stands once for each."""
    webhooks = bool(profiles.notified("webhook"))
    return {
        "{verdict_queue}": profiles.notified("sqs"),
        "{topic}": profiles.notified("sns"),
        "{bus}": profiles.notified("eventbridge"),
        "{delivery_queue}": [places.delivery_queue] if webhooks else [],
        "{undelivered_queue}": [places.undelivered_queue] if webhooks else [],
    }


def text(policy: Document) -> str:
    """A policy as IAM takes it and people read it."""
    return json.dumps(policy, indent=2)


def _filled(value: Any, names: Mapping[str, Any], several: Mapping[str, Sequence[str]]) -> Any:
    match value:
        case dict():
            return {key: _filled(inner, names, several) for key, inner in value.items()}
        case list():
            return [_filled(inner, names, several) for each in value for inner in _each(each, several)]
        case str():
            return value.format_map(names)
        case _:
            return value


def _each(value: Any, several: Mapping[str, Sequence[str]]) -> Iterator[Any]:
    named = next((name for name in several if isinstance(value, str) and name in value), None)
    if named is None:
        yield value
    else:
        yield from (value.replace(named, each) for each in several[named])
