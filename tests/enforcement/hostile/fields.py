"""Fields that an attacker alters, doubles, leaves out, adds, or takes from another upload's form."""

import base64
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from tests.enforcement.form import Form
from tests.enforcement.hostile.case import (
    DENIED,
    FORGED,
    INCOMPLETE,
    NO_FORM,
    NO_SCOPE,
    NO_TOKEN,
    STORED,
    Answer,
    Case,
    case,
)
from tests.enforcement.server import REGION

ANOTHER_SHA256 = "ab" * 32
HOSTILE: Mapping[str, str] = MappingProxyType(
    {
        "Content-Type": "image/svg+xml",
        "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(ANOTHER_SHA256)).decode(),
        "x-amz-meta-sha256": ANOTHER_SHA256,
        "x-amz-meta-size": "1",
        "x-amz-meta-owner": "press",
        "x-amz-meta-profile": "archives",
        "x-amz-meta-filename": "other.html",
        "x-amz-meta-user-note": "for me",
        "key": "incoming/elsewhere",
        "x-amz-algorithm": "AWS4-HMAC-SHA1",
        "x-amz-credential": f"AKIAIOSFODNN7EXAMPLE/20260101/{REGION}/s3/aws4_request",
        "x-amz-date": "20260101T000000Z",
        "policy": base64.b64encode(b'{"expiration": "2099-01-01T00:00:00Z", "conditions": []}').decode(),
        "x-amz-signature": "0123456789abcdef" * 4,
    }
)
"""A value of the attacker's for every field of a form."""

# Of two values of one field both servers take the last; Amazon does not say which it takes. What counts is that the
# value that is used is the one that was checked.
WAYS: Mapping[str, Callable[[Form, str, str], Form]] = MappingProxyType(
    {
        "altered": lambda form, name, value: form.altered(name, value),
        "removed": lambda form, name, _: form.without(name),
        "emptied": lambda form, name, _: form.altered(name, ""),
        "preceded by another": lambda form, name, value: form.preceded(name, value),
        "followed by another": lambda form, name, value: form.followed(name, value),
        "again in capitals": lambda form, name, value: form.added(name.upper(), value),
    }
)
# What the fields of the signature are answered with, in that order.
_OF_SIGNING: Mapping[str, tuple[Answer, ...]] = MappingProxyType(
    {
        "key": (DENIED, INCOMPLETE, INCOMPLETE, STORED, DENIED, DENIED),
        "x-amz-algorithm": (INCOMPLETE, INCOMPLETE, INCOMPLETE, STORED, INCOMPLETE, INCOMPLETE),
        "x-amz-credential": (NO_SCOPE, NO_FORM, DENIED, STORED, NO_SCOPE, NO_SCOPE),
        "x-amz-date": (NO_SCOPE, INCOMPLETE, NO_SCOPE, STORED, NO_SCOPE, NO_SCOPE),
        "policy": (FORGED, NO_SCOPE, NO_SCOPE, STORED, FORGED, FORGED),
        "x-amz-signature": (FORGED, INCOMPLETE, NO_SCOPE, STORED, FORGED, FORGED),
    }
)
_OF_OTHERS = (DENIED, DENIED, DENIED, STORED, DENIED, DENIED)


def every_field() -> Iterator[Case]:
    for name, value in HOSTILE.items():
        answers = _OF_SIGNING.get(name, _OF_OTHERS)
        for (way, change), answer in zip(WAYS.items(), answers, strict=True):
            yield case(f"{name} {way}", change, name, value, answer=answer)


ADDED: Mapping[str, str] = MappingProxyType(
    {
        "acl": "public-read",
        "x-amz-acl": "public-read",
        "x-amz-grant-read": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"',
        "success_action_redirect": "https://evil.example/",
        "redirect": "https://evil.example/",
        "success_action_status": "201",
        "x-amz-meta-other": "x",
        "x-amz-meta-user-reference": "x",
        "tagging": "<Tagging><TagSet><Tag><Key>scanned</Key><Value>clean</Value></Tag></TagSet></Tagging>",
        "x-amz-tagging": "scanned=clean",
        "x-amz-storage-class": "DEEP_ARCHIVE",
        "x-amz-server-side-encryption": "AES256",
        "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-central-1:111122223333:key/other",
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
        "x-amz-website-redirect-location": "https://evil.example/",
        "x-amz-object-lock-mode": "COMPLIANCE",
        "x-amz-object-lock-retain-until-date": "2099-01-01T00:00:00Z",
        "x-amz-object-lock-legal-hold": "ON",
        "x-amz-security-token": "a-token-that-nobody-issued",
        "x-amz-checksum-crc32": "AAAAAA==",
        "x-amz-checksum-algorithm": "CRC32",
        "x-amz-copy-source": "/bucket/key",
        "x-amz-request-payer": "requester",
        "Content-Disposition": "inline",
        "Content-Encoding": "gzip",
        "Content-Language": "en",
        "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg==",
        "Cache-Control": "public, max-age=31536000",
        "Expires": "Thu, 01 Jan 2099 00:00:00 GMT",
        "bucket": "accepted",
        "unknown": "x",
        "submit": "Upload",
    }
)
# Ceph has no such storage class.
_OF_ADDED = {"x-amz-security-token": NO_TOKEN, "x-amz-storage-class": NO_FORM}


def every_other_field() -> Iterator[Case]:
    for name, value in ADDED.items():
        yield case(f"{name} added", Form.added, name, value, answer=_OF_ADDED.get(name, DENIED))
    yield case(
        "the older signature added", lambda form: form.added("AWSAccessKeyId", "AKIA").added("signature", "AAAA")
    )
    yield case("a field that is larger than a form may be", lambda form: form.added("x-amz-meta-other", "x" * 21_000))


def every_mixture() -> Iterator[Case]:
    def mixed(name: str, answer: Answer, *names: str) -> Case:
        return Case(f"another upload's {name}", lambda given: given.form.taking(given.other, *names), answer)

    signed = ("policy", "x-amz-signature")
    yield mixed("policy and signature", DENIED, *signed)
    yield mixed("key and signature", FORGED, "key", "x-amz-signature")
    yield mixed("key and policy", FORGED, "key", "policy")
    yield mixed("form with this one's metadata", DENIED, "key", *signed)
    yield mixed("metadata", DENIED, "x-amz-meta-filename", "x-amz-meta-user-note")
    yield mixed("file name", DENIED, "x-amz-meta-filename")
