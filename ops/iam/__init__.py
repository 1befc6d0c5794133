"""What each pod may do on AWS, and nothing else: `service.json` and `workers.json`, filled in for a deployment.

Each action is there for a call in `aws/`; where the calls and the actions differ in name:

- An upload's form needs `s3:PutObject` of whoever signed it, and so does every step of a multipart copy but its abort:
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
- Objects are read by version alone, which takes `s3:GetObjectVersion` only; of the source of a copy AWS asks for
  `s3:GetObject` as well, and of whoever removes a version for `s3:DeleteObject`:
  https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html and API_DeleteObjects.html
- Without `s3:ListBucket` S3 answers 403 for what is not there:
  https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
- AWS authorizes SQS's batches by the names of the single actions, and servers like it by their own: `DeleteMessage*`
  is both, and on AWS nothing more.
- A transaction needs the actions of its items: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from aws.settings import AwsSettings

Pod = Literal["service", "workers"]
PODS: Final[tuple[Pod, ...]] = ("service", "workers")
Document = dict[str, Any]

# A queue that a profile notifies; what names it stands once for each of them.
VERDICT_QUEUE = "{verdict_queue}"


def document(pod: Pod, places: AwsSettings, verdict_queues: Sequence[str], *, partition: str, account: str) -> Document:
    """The IAM policy of a pod's role in a deployment: `partition` such as `aws`, `account` of twelve digits."""
    names = {**places.model_dump(exclude={"secrets"}), "partition": partition, "account": account}
    template = json.loads((Path(__file__).parent / f"{pod}.json").read_text())
    filled: Document = _filled(template, names, verdict_queues)
    return filled


def text(policy: Document) -> str:
    """A policy as IAM takes it and people read it."""
    return json.dumps(policy, indent=2)


def _filled(value: Any, names: Mapping[str, Any], queues: Sequence[str]) -> Any:
    match value:
        case dict():
            return {key: _filled(inner, names, queues) for key, inner in value.items()}
        case list():
            return [_filled(inner, names, queues) for text in value for inner in _each(text, queues)]
        case str():
            return value.format_map(names)
        case _:
            return value


def _each(value: Any, queues: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, str) and VERDICT_QUEUE in value:
        yield from (value.replace(VERDICT_QUEUE, queue) for queue in queues)
    else:
        yield value
