"""The signer gives byte for byte what botocore's SigV4 `generate_presigned_post` gives, and AWS's published vector."""

import base64
from datetime import UTC, datetime
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from botocore.config import Config
from botocore.session import Session, get_session
from hypothesis import example, given
from hypothesis import strategies as st

from airlock import policy, upload_id
from airlock.intent import Intent, SizeRange
from airlock.policy import Bucket, Credentials
from airlock.profile import MAX_POST_BYTES
from tests.airlock.strategies import intents

ENDPOINTS = (
    None,
    None,
    "http://localhost:4566",
    "http://127.0.0.1:4566/",
    "http://[::1]:4566",
    "https://s3.example.org",
    "https://minio.internal:9000/",
)

# "Example: browser-based upload using HTTP POST (using AWS signature version 4)", Amazon S3 API reference:
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
PUBLISHED_POLICY = (
    "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2"
    "NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMt"
    "cmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29t"
    "L3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4"
    "LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0s"
    "DQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZP"
    "RE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1B"
    "Qy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9"
)
PUBLISHED_SIGNATURE = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"


@cache
def session() -> Session:
    fresh = get_session()
    fresh.set_credentials("replaced", "before each use")
    return fresh


@cache
def regions() -> list[str]:
    """Every region that botocore knows, of every partition."""
    partitions = session().get_available_partitions()
    return sorted(name for each in partitions for name in session().get_available_regions("s3", each))


@cache
def client(region: str, addressing: str, endpoint: str | None) -> Any:
    options: dict[str, Any] = {
        "signature_version": "s3v4",
        "ignore_configured_endpoint_urls": True,
        "s3": {"addressing_style": addressing, "us_east_1_regional_endpoint": "regional"},
    }
    return session().create_client("s3", region_name=region, endpoint_url=endpoint, config=Config(**options))


@cache
def address(region: str) -> str:
    """The address of S3 in a region, without a bucket."""
    url: str = client(region, "path", None).generate_presigned_post("bucket", "key")["url"]
    return url.removesuffix("/bucket")


def botocore_post(
    credentials: Credentials,
    bucket: str,
    where: tuple[str, str, str | None],
    key: str,
    *,
    now: int,
    lifetime: int,
    fields: dict[str, str],
    size: SizeRange,
) -> Any:
    held: Any = session().get_credentials()
    held.access_key, held.secret_key = credentials.access_key_id, credentials.secret_access_key
    held.token = credentials.session_token
    conditions: list[Any] = [{name: value} for name, value in fields.items()]
    conditions.append(["content-length-range", *size])
    moment = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)
    with (
        patch("botocore.signers.get_current_datetime", return_value=moment),
        patch("botocore.auth.get_current_datetime", return_value=moment),
    ):
        return client(*where).generate_presigned_post(
            bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=lifetime
        )


label = st.from_regex(r"[a-z0-9]{3,10}(-[a-z0-9]{1,10}){0,2}", fullmatch=True)
buckets = st.lists(label, min_size=1, max_size=3).map(".".join)
credentials_of_all_kinds = st.builds(
    Credentials,
    access_key_id=st.from_regex(r"(AKIA|ASIA)[A-Z2-7]{16}", fullmatch=True),
    secret_access_key=st.from_regex(r"[A-Za-z0-9/+]{40}", fullmatch=True),
    session_token=st.none() | st.from_regex(r"[A-Za-z0-9/+=]{1,1500}", fullmatch=True),
)
keys = st.one_of(
    st.from_regex(r"incoming/[0-9a-f]{60}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="$"), min_size=1, max_size=200),
)
sizes = st.tuples(st.integers(0, MAX_POST_BYTES), st.integers(0, MAX_POST_BYTES)).map(
    lambda two: SizeRange(min(two), max(two))
)


@pytest.mark.slow
@pytest.mark.without_coverage
@given(
    credentials=credentials_of_all_kinds,
    name=buckets,
    region=st.deferred(lambda: st.sampled_from(regions())),
    addressing=st.sampled_from(["virtual", "path"]),
    endpoint=st.sampled_from(ENDPOINTS),
    key=keys,
    now=st.integers(0, 2**32 - 1),
    lifetime=st.integers(1, upload_id.MAX_LIFETIME),
    intent=intents(),
    size=sizes,
)
@example(
    credentials=Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "token"),
    name="with.dots",
    region="us-east-1",
    addressing="virtual",
    endpoint=None,
    key="incoming/x",
    now=951_868_799,  # the last second of 29 February 2000
    lifetime=1,
    intent=Intent("o", "p", "Grüße 🎉 100%.txt", "text/plain", metadata={"note": "naïve\u00a0text"}),
    size=SizeRange(0, MAX_POST_BYTES),
)
def test_a_policy_is_botocores_byte_for_byte(
    *,
    credentials: Credentials,
    name: str,
    region: str,
    addressing: policy.Addressing,
    endpoint: str | None,
    key: str,
    now: int,
    lifetime: int,
    intent: Intent,
    size: SizeRange,
) -> None:
    bucket = Bucket(name, region, policy.bucket_url(name, endpoint or address(region), addressing))
    fields = intent.to_fields()
    ours = policy.sign(credentials, bucket, key, now=now, lifetime=lifetime, fields=fields, size=size)
    # botocore puts a dotted name into the host of a plain-HTTP endpoint; we never do.
    where = (region, "path" if "." in name else addressing, endpoint)
    theirs = botocore_post(credentials, name, where, key, now=now, lifetime=lifetime, fields=fields, size=size)
    assert ours.url == theirs["url"]
    assert base64.b64decode(ours.fields["policy"]) == base64.b64decode(theirs["fields"]["policy"])
    assert list(ours.fields.items()) == list(theirs["fields"].items())
    assert ours.expires_at == datetime.fromtimestamp(now + lifetime, UTC)


@pytest.mark.slow
@pytest.mark.without_coverage
def test_the_url_of_every_region_is_botocores() -> None:
    """In every partition of AWS, virtual-hosted and by path, with and without a dot in the bucket's name."""
    assert {"us-east-1", "cn-north-1", "us-gov-west-1", "ap-east-1", "eusc-de-east-1"} <= set(regions())
    for region in regions():
        for addressing in ("virtual", "path"):
            for name in ("my-bucket", "my.bucket"):
                theirs = client(region, addressing, None).generate_presigned_post(name, "key")["url"]
                assert policy.bucket_url(name, address(region), addressing=addressing) == theirs


def test_awss_published_policy_has_awss_published_signature() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    signer = policy.signer_of(secret, "20151229", "us-east-1")
    assert policy.signature(signer, PUBLISHED_POLICY.encode()) == PUBLISHED_SIGNATURE
