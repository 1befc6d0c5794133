"""What the service signs, S3 enforces: every deviation from a policy is refused, and nothing of it is stored.

The forged signature comes first: an emulator that took it would prove nothing by the others.
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
import pytest_asyncio

from airlock.policy import Bucket, bucket_url, sign
from aws.settings import AwsSettings
from tests.service.stack import Deployed, deployed, post_form
from tests.stack import forged

CONTENT = b"\x89PNG\r\n\x1a\n bytes of a picture"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest_asyncio.fixture
async def service(deployment: AwsSettings) -> AsyncIterator[Deployed]:
    async with deployed(deployment) as running:
        yield running


@pytest_asyncio.fixture
async def form(service: Deployed) -> Any:
    """The form for CONTENT, with everything declared that can be."""
    created = await service.create(size=len(CONTENT), sha256=SHA256, metadata={"note": "for you"})
    return created["upload"]


async def refused(
    service: Deployed, form: Any, content: bytes = CONTENT, changes: Mapping[str, str | None] = MappingProxyType({})
) -> str:
    """Send the form with these fields changed (None leaves one out); S3's code, once nothing was stored."""
    fields = {name: value for name, value in {**form["fields"], **changes}.items() if value is not None}
    status, code = await post_form(service.http, form["url"], fields, content)
    assert 400 <= status < 500
    assert await service.stored() == []
    return code


async def test_a_forged_signature_is_refused(service: Deployed, form: Any) -> None:
    assert await refused(service, {**form, "fields": forged(form["fields"])}) == "SignatureDoesNotMatch"


async def test_the_form_as_it_was_given_is_stored(service: Deployed, form: Any) -> None:
    assert await post_form(service.http, form["url"], form["fields"], CONTENT) == (204, "")
    assert await service.stored() == [form["fields"]["key"]]


async def test_a_larger_body_is_refused(service: Deployed, form: Any) -> None:
    assert await refused(service, form, CONTENT + b"x") == "EntityTooLarge"


async def test_a_smaller_body_is_refused(service: Deployed, form: Any) -> None:
    assert await refused(service, form, CONTENT[:-1]) == "EntityTooSmall"


async def test_more_than_the_profile_takes_is_refused(service: Deployed) -> None:
    """Without a declared size the profile's limits are in the policy."""
    created = await service.create(profile="avatar")
    assert await refused(service, created["upload"], b"x" * (created["max_bytes"] + 1)) == "EntityTooLarge"
    assert await refused(service, created["upload"], b"") == "EntityTooSmall"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Content-Type": "text/html"}, id="another content type"),
        pytest.param({"Content-Type": None}, id="no content type"),
        pytest.param({"key": "incoming/elsewhere"}, id="another key"),
        pytest.param({"x-amz-meta-owner": "press"}, id="another owner"),
        pytest.param({"x-amz-meta-profile": "archives"}, id="another profile"),
        pytest.param({"x-amz-meta-filename": "other.png"}, id="another file name"),
        pytest.param({"x-amz-meta-user-note": "for me"}, id="altered metadata"),
        pytest.param({"x-amz-meta-user-note": None}, id="metadata left out"),
        pytest.param({"x-amz-meta-size": "1"}, id="another declared size"),
        pytest.param({"x-amz-meta-more": "x"}, id="more metadata"),
        pytest.param({"acl": "public-read"}, id="an extra field"),
        pytest.param({"tagging": "<Tagging/>"}, id="tags"),
        pytest.param({"success_action_redirect": "https://evil.example"}, id="a redirect"),
        pytest.param({"x-amz-checksum-sha256": base64.b64encode(b"x" * 32).decode()}, id="another checksum"),
    ],
)
async def test_a_form_that_was_changed_is_refused(service: Deployed, form: Any, changes: dict[str, str | None]) -> None:
    assert await refused(service, form, changes=changes) == "AccessDenied"


async def test_a_policy_that_was_widened_is_refused(service: Deployed, form: Any) -> None:
    wider = base64.b64decode(form["fields"]["policy"]).replace(b"image/png", b"text/html")
    changes: dict[str, str | None] = {"policy": base64.b64encode(wider).decode(), "Content-Type": "text/html"}
    assert await refused(service, form, changes=changes) == "SignatureDoesNotMatch"


async def test_a_policy_for_another_bucket_is_refused(service: Deployed, form: Any) -> None:
    elsewhere = form["url"].replace(service.settings.incoming_bucket, service.settings.accepted_bucket)
    status, _ = await post_form(service.http, elsewhere, form["fields"], CONTENT)
    assert status == 403
    listed = await service.clients.s3.list_object_versions(Bucket=service.settings.accepted_bucket)
    assert "Versions" not in listed


async def test_an_expired_policy_is_refused(service: Deployed) -> None:
    here = service.settings
    bucket = Bucket(
        here.incoming_bucket, here.region, bucket_url(here.incoming_bucket, here.region, here.s3_url, here.addressing)
    )
    credentials = service.clients.credentials.current()
    policy = sign(credentials, bucket, "incoming/late", now=1_700_000_000, lifetime=60, fields={}, size=(1, 100))
    assert await refused(service, {"url": policy.url, "fields": policy.fields}) == "AccessDenied"
