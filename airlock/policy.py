"""The presigned POST policy: one owner, one key, one object.

Signed as AWS describes in "Authenticating requests: browser-based uploads using POST (AWS signature version 4)":
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html and sigv4-post-example.html.
The output is byte for byte what botocore's SigV4 `generate_presigned_post` gives for the same conditions.
"""

import hmac
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from json.encoder import encode_basestring_ascii as _quoted
from math import floor
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from airlock.errors import Refused, Unavailable
from airlock.intent import PREFIX, SizeRange
from airlock.profile import MAX_POST_BYTES
from airlock.upload_id import MAX_LIFETIME

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_FORM_BYTES = 20_480
MAX_METADATA_BYTES = 2_048

# A multipart boundary (RFC 2046 allows 70 characters), the headers of one part and its line ends. Browsers write no
# type for a text field; aiohttp and OkHttp do.
_PART_OVERHEAD = 70 + len(
    '--\r\nContent-Disposition: form-data; name=""\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\r\n'
)
# The file part's own headers come before its bytes too: a file name of 255 characters, each of four bytes that
# a client may percent-encode, and a type of two times 127 characters.
_FILE_PART = _PART_OVERHEAD + len("; filename*=utf-8''") + 255 * 12 + 255

Addressing = Literal["virtual", "path"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """AWS credentials. `expires_at` (UTC) is None for those that do not end."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket that a policy is for: its name, its region, and the URL to which the form is posted."""

    name: str
    region: str
    url: str


class Policy(NamedTuple):
    """A signed policy: POST a multipart form with all `fields`, then the file, to `url` before `expires_at` (UTC)."""

    url: str
    fields: dict[str, str]
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Policy(url={self.url!r}, expires_at={self.expires_at!r})"


def bucket_url(name: str, endpoint: str, addressing: Addressing = "virtual") -> str:
    """The bucket's URL at `endpoint` (`scheme://host`), which is S3's regional one or another server's.

    A name with a dot is always addressed by path: a TLS certificate does not cover two levels of names. So is
    every bucket at an IP address, which has no subdomains.
    """
    scheme, _, host = endpoint.rstrip("/").partition("://")
    if addressing == "path" or "." in name or _is_ip_address(f"{scheme}://{host}"):
        return f"{scheme}://{host}/{name}"
    return f"{scheme}://{name}.{host}/"


def _is_ip_address(url: str) -> bool:
    try:
        ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return True


def usable_lifetime(wanted: int, credentials: Credentials, now: float) -> int:
    """How many seconds a policy signed now can really be used: no longer than the credentials that sign it.

    `now` is in seconds since the epoch. Raises Unavailable when the credentials have less than a second left.
    """
    if credentials.expires_at is None:
        return wanted
    left = floor(credentials.expires_at.timestamp() - now)
    if left < 1:
        raise Unavailable("credentials", "the signing credentials have expired")
    return min(wanted, left)


def sign(
    credentials: Credentials,
    bucket: Bucket,
    key: str,
    *,
    now: int,
    lifetime: int,
    fields: Mapping[str, str],
    size: SizeRange,
) -> Policy:
    """Sign a policy for one object at `key`.

    `now` is in seconds since the epoch and `lifetime` in seconds; `fields` are the form fields, each under an exact
    condition; `size` is the range of sizes that S3 accepts.
    Raises Refused for metadata or a form larger than S3 takes, and ValueError for what no caller can bring about.
    """
    _check(key, lifetime, size)
    # By its texts alone: to hash whole objects would cost a signature's tenth.
    frame = _frame(
        credentials.access_key_id,
        credentials.secret_access_key,
        credentials.session_token,
        bucket.name,
        bucket.region,
        now,
        lifetime,
    )
    exact = _exact(fields)
    _check_fields(key, fields, exact)
    least, most = size
    document = (
        f'{frame.opening}{exact}["content-length-range", {least}, {most}]{frame.before_key}{_quoted(key)}'
        f"{frame.closing}"
    ).encode("ascii")
    text = b2a_base64(document, newline=False)
    signed = {"policy": text.decode("ascii"), "x-amz-signature": signature(frame.signer, text)}
    form = {**fields, "key": key, **frame.signing, **signed}
    _check_form(form, len(document))
    return Policy(bucket.url, form, frame.end)


def _exact(fields: Mapping[str, str]) -> str:
    """An exact condition for each field, each followed by a comma."""
    return "".join([f"{{{_quoted(name)}: {_quoted(value)}}}, " for name, value in fields.items()])


class _Frame(NamedTuple):
    """What all policies share that are signed in one second, for one bucket and lifetime: most of each."""

    opening: str
    before_key: str
    closing: str
    signing: dict[str, str]
    signer: hmac.HMAC
    end: datetime


@lru_cache(maxsize=64)
def _frame(
    access_key_id: str, secret: str, session_token: str | None, bucket: str, region: str, now: int, lifetime: int
) -> _Frame:
    start, end = datetime.fromtimestamp(now, UTC), datetime.fromtimestamp(now + lifetime, UTC)
    day = start.strftime("%Y%m%d")
    signing = {
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": f"{access_key_id}/{day}/{region}/s3/aws4_request",
        "x-amz-date": start.strftime("%Y%m%dT%H%M%SZ"),
    }
    if session_token:
        signing["x-amz-security-token"] = session_token
    return _Frame(
        opening=f'{{"expiration": "{end.strftime("%Y-%m-%dT%H:%M:%SZ")}", "conditions": [',
        before_key=f', {{"bucket": {_quoted(bucket)}}}, {{"key": ',
        closing="}" + "".join([f", {{{_quoted(name)}: {_quoted(value)}}}" for name, value in signing.items()]) + "]}",
        signing=signing,
        signer=signer_of(secret, day, region),
        end=end,
    )


def signature(signer: hmac.HMAC, text: bytes) -> str:
    """The signature, in hex, of a policy's base64 text by `signer`, which stays as it is."""
    taken_in = signer.copy()
    taken_in.update(text)
    return taken_in.hexdigest()


@lru_cache(maxsize=8)
def signer_of(secret_access_key: str, day: str, region: str) -> hmac.HMAC:
    """The signing key of a day (YYYYMMDD, UTC), taken in: a copy of it signs in half the time that a new one would
    need.
    """
    key = b"AWS4" + secret_access_key.encode("utf-8")
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode("utf-8"), "sha256")
    return hmac.new(key, digestmod="sha256")


def _check(key: str, lifetime: int, size: SizeRange) -> None:
    if not 0 < lifetime <= MAX_LIFETIME:
        raise ValueError(f"lifetime must be 1 to {MAX_LIFETIME} seconds, not {lifetime}")
    if not 0 <= size.min_bytes <= size.max_bytes <= MAX_POST_BYTES:
        raise ValueError(f"size must be a range within 0 to {MAX_POST_BYTES} bytes, not {size}")
    if not key or len(key.encode("utf-8")) > 1024:
        raise ValueError("key must be 1 to 1,024 bytes")


def _check_fields(key: str, fields: Mapping[str, str], exact: str) -> None:
    """`exact` holds all of `fields`, quoted, which makes nothing shorter: the common case needs no counting."""
    # S3 reads '$' in a policy as the start of an escape or of ${filename}.
    if "$" in key or ("$" in exact and "$" in "".join(fields.values())):
        raise ValueError("no value of a policy may hold '$'")
    if len(exact) <= MAX_METADATA_BYTES:
        return
    metadata = _bytes({name: value for name, value in fields.items() if name.startswith(PREFIX)})
    if metadata > MAX_METADATA_BYTES:
        detail = f"the file name, the owner and the metadata take {metadata} bytes; S3 stores {MAX_METADATA_BYTES}"
        raise Refused("invalid_metadata", detail, field="metadata")


def _check_form(form: Mapping[str, str], document: int) -> None:
    """The policy, of `document` bytes, holds all of the form but itself in base64 and the signature: below three times
    that, no counting.
    """
    parts = _FILE_PART + len(form) * _PART_OVERHEAD
    if parts + 3 * document <= MAX_FORM_BYTES:
        return
    taken = parts + _bytes(form)
    if taken > MAX_FORM_BYTES:
        detail = f"the form would take {taken} bytes before the file; S3 reads {MAX_FORM_BYTES}"
        raise Refused("policy_too_large", detail)


def _bytes(fields: Mapping[str, str]) -> int:
    text = "".join((*fields, *fields.values()))
    return len(text) if text.isascii() else len(text.encode("utf-8"))
