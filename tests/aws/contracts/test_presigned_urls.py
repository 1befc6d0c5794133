"""`service.ports.Objects`: a URL names one version of one object, and what its answer says."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from aws.clients import connect
from aws.s3.objects import Objects as Adapter
from service.ports import Objects
from tests.aws import settings_at
from tests.service.fakes import FakeObjects


@pytest.fixture(params=["fake", "adapter"])
async def objects(request: pytest.FixtureRequest, made_up_keys: None) -> AsyncIterator[Objects]:
    """Presigning makes no request."""
    if request.param == "fake":
        yield FakeObjects()
        return
    async with connect(settings_at("http://127.0.0.1:9"), services=("s3",)) as clients:
        yield Adapter(clients.s3, public_s3=clients.public_s3)


@pytest.mark.parametrize("key", ["default/a.png", "a b/ü?"])
async def test_a_url_names_the_version(objects: Objects, key: str) -> None:
    url = await objects.presign_get(
        "accepted", key, "v9", content_disposition='inline; filename="a.png"', content_type="image/png", expires=60
    )
    split = urlsplit(url)
    assert split.scheme in ("http", "https")
    assert "accepted" in split.netloc + split.path
    assert unquote(split.path).endswith(f"/{key}")
    assert parse_qs(split.query)["versionId"] == ["v9"]
