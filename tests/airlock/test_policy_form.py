"""The form before the file is never larger than the 20,480 bytes that S3 reads, whoever writes it."""

from collections.abc import Mapping

import pytest
from aiohttp import FormData
from hypothesis import example, given
from hypothesis import strategies as st

from airlock import policy
from airlock.errors import Refused
from airlock.intent import Intent, SizeRange
from airlock.policy import MAX_FORM_BYTES, Bucket, Credentials
from tests.airlock.strategies import PLAIN, intents

FILE = b"\0the bytes of the file\0"
TYPE = "x" * 127 + "/" + "y" * 127
BUCKET = Bucket("my-bucket", "eu-west-1", "https://my-bucket.s3.eu-west-1.amazonaws.com/")

# WebKit and Chromium, Firefox, curl, and the longest that RFC 2046 allows.
BOUNDARIES = (
    "----WebKitFormBoundary" + "A" * 16,
    "----geckoformboundary" + "f" * 32,
    "-" * 24 + "a" * 22,
    "b" * 70,
)

posted_names = st.text(PLAIN, min_size=1, max_size=255)  # aiohttp sends no control characters


def largest_form(intent: Intent) -> dict[str, str]:
    """The fields with the longest session token that is still signed."""
    signed, refused = 0, MAX_FORM_BYTES
    form: dict[str, str] = {}
    while refused - signed > 1:
        length = (signed + refused) // 2
        credentials = Credentials("AKIAIOSFODNN7EXAMPLE", "secret", "t" * length)
        try:
            form = policy.sign(
                credentials, BUCKET, "incoming/x", now=0, lifetime=60, fields=intent.to_fields(), size=SizeRange(0, 1)
            ).fields
            signed = length
        except Refused:
            refused = length
    return form


def browser_form(form: Mapping[str, str], filename: str, boundary: str) -> bytes:
    """As the HTML standard's multipart/form-data encoding algorithm writes it."""
    escaped = filename.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22")
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form.items()
    ]
    head = f'Content-Disposition: form-data; name="file"; filename="{escaped}"\r\nContent-Type: {TYPE}'
    return f"{''.join(parts)}--{boundary}\r\n{head}\r\n\r\n".encode() + FILE


async def aiohttp_form(form: Mapping[str, str], filename: str) -> bytes:
    data = FormData()
    for name, value in form.items():
        data.add_field(name, value)
    data.add_field("file", FILE, filename=filename, content_type=TYPE)
    writer = data()
    return await writer.as_bytes()


@pytest.mark.without_coverage
@given(intent=intents(), filename=posted_names)
@example(intent=Intent("o", "p", "f", "text/plain"), filename="\U0001f600" * 255)
async def test_the_largest_form_that_is_signed_is_one_that_s3_reads(intent: Intent, filename: str) -> None:
    form = largest_form(intent)
    assert len(form["x-amz-security-token"]) > 4096
    written = [browser_form(form, filename, boundary) for boundary in BOUNDARIES]
    written.append(await aiohttp_form(form, filename))
    assert max(body.index(FILE) for body in written) <= MAX_FORM_BYTES
