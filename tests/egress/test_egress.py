"""Nothing of ours speaks to anyone whom its settings do not name."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.debian import not_here
from tests.egress.deployments import AWS, ISSUER, SHOP
from tests.egress.namespace import missing, observe

pytestmark = [pytest.mark.server, pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")]

STRAY = """
import socket
for host in ("vendor.test", "192.0.2.1", "2001:db8:1::1"):
    try:
        socket.create_connection((host, 443))
    except OSError:
        pass
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"metric:1|c", ("127.0.0.1", 8125))
"""


@pytest.fixture(autouse=True)
def namespaces() -> None:
    """In CI they must be there."""
    reason = missing()
    if reason is not None:
        not_here(reason)


async def test_a_program_that_speaks_to_others_is_seen(tmp_path: Path) -> None:
    seen = await observe(tmp_path, sys.executable, "-c", STRAY)
    assert seen.code == 0, seen.output
    assert list(seen.looked_up) == ["vendor.test"]
    assert sys.executable in seen.looked_up["vendor.test"]
    assert seen.connections >= {"tcp vendor.test:443", "tcp 192.0.2.1:443", "udp 127.0.0.1:8125"}
    if Path("/proc/net/if_inet6").exists():
        assert "tcp [2001:db8:1::1]:443" in seen.connections


@pytest.mark.long
async def test_both_pods_and_airlock_dev_speak_only_to_what_their_settings_name(tmp_path: Path) -> None:
    """Each has accepted a text, about which the media type model was asked, and a picture, which a child parsed."""
    seen = await observe(
        tmp_path / "seen", *(sys.executable, "-m", "tests.egress.deployments", str(tmp_path)), here=[AWS]
    )
    assert seen.code == 0, seen.output
    assert seen.looked_up.keys() == {AWS, ISSUER, SHOP}, seen.looked_up
    told = json.loads(seen.output.splitlines()[-1])
    assert seen.connections <= set(told["named"])
    assert seen.connections >= {f"tcp {ISSUER}:443", f"tcp {SHOP}:443"}
    # The emulator's folder goes when the emulator ends. Nothing else was kept while they ran, and nothing stays.
    assert [name for name in told["left"] if not name.startswith("airlock-emulator-")] == []
    assert seen.left == []


TEMPORARY = {"AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/airlock", "AWS_WEB_IDENTITY_TOKEN_FILE": __file__}
POD_IDENTITY = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.mark.parametrize(
    ("source", "names", "metadata"),
    [
        pytest.param(KEYS, {"incoming-bucket.s3", "dynamodb", "sqs", "sns", "events"}, set(), id="keys"),
        pytest.param(TEMPORARY, {"sts"}, set(), id="web-identity"),
        pytest.param(POD_IDENTITY, set(), {"tcp 169.254.170.23:80"}, id="pod-identity"),
        pytest.param({}, set(), {"tcp 169.254.169.254:80"}, id="none"),
    ],
)
async def test_aws_is_asked_in_its_region_and_for_metadata_only_without_other_credentials(
    source: Mapping[str, str], names: set[str], metadata: set[str], tmp_path: Path
) -> None:
    settings = {"AIRLOCK_REGION": "eu-central-1", "AIRLOCK_SECRETS": "s" * 32, "AWS_MAX_ATTEMPTS": "1", **source}
    settings |= {f"AIRLOCK_{name}_BUCKET": f"{name.lower()}-bucket" for name in ("INCOMING", "ACCEPTED", "QUARANTINE")}
    seen = await observe(tmp_path, sys.executable, "-m", "tests.egress.credentials", **settings)
    assert seen.code == 0, seen.output
    hosts = {f"{name}.eu-central-1.amazonaws.com" for name in names}
    assert seen.looked_up.keys() == hosts
    assert seen.connections == {f"tcp {host}:443" for host in hosts} | metadata
