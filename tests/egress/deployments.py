"""Runs `airlock dev`, and both pods as in production. Each accepts uploads, and lives for a while after that.

Its last line is JSON: the places that their settings name, and what was in the temporary folder and the home folder
before they ended.
"""

import asyncio
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from aws.settings import AwsSettings
from ops.dev.loopback import HOST, free_port
from ops.dev.programs import program, until_serving
from ops.iam.policies import Pod
from tests.deployment import keys_of, ministack, provisioned, settings_for
from tests.ops.terminal import airlock, dev

AWS, ISSUER, SHOP = "aws.test", "issuer.test", "shop.test"
"""The names in the settings of the pods: an endpoint, an OpenID provider and a webhook."""

PODS: tuple[Pod, Pod] = ("service", "workers")
# onnxruntime calls its vendor ten seconds after it was loaded, unless it is told not to.
SECONDS = 15.0
TOKEN = "a token of this test alone"
PROFILES = f"""
[profiles.default]
content_types = ["text/plain", "image/png"]
max_bytes = "1 MiB"
checks = ["size", "checksum", "media_type", "yara", "image", "text"]
notify = ["webhook:shop"]

[webhooks.shop]
url = "https://{SHOP}/verdicts"
"""


async def main(folder: Path) -> None:
    """Run both at the same time; `folder` takes their files."""
    async with asyncio.TaskGroup() as both:
        production = both.create_task(_production(folder))
        development = both.create_task(_development(folder))
    (named, left), also_named = production.result(), development.result()
    sys.stdout.write(json.dumps({"named": [f"tcp {place}" for place in named + also_named], "left": left}) + "\n")


async def _production(folder: Path) -> tuple[list[str], list[str]]:
    """The places that the settings of the pods name, and what they had left before they ended."""
    async with ministack() as emulator, AsyncExitStack() as stack:
        os.environ.update(emulator.access_key.environment())
        (folder / "airlock.toml").write_text(PROFILES)
        deployment = settings_for(emulator).model_copy(update={"profiles": folder / "airlock.toml"})
        await provisioned(deployment)
        endpoint = emulator.endpoint.removeprefix("http://")
        service, health, aws = f"{HOST}:{free_port()}", f"{HOST}:{free_port()}", endpoint.replace(HOST, AWS)
        await stack.enter_async_context(_pods(folder, deployment, service, health, aws))
        await _uploaded(folder / "production", f"http://{service}", AIRLOCK_TOKEN=TOKEN)
        await asyncio.sleep(SECONDS)
        left = [path.name for each in (tempfile.gettempdir(), Path.home()) for path in Path(each).iterdir()]
    return [service, health, aws, endpoint, f"{ISSUER}:443", f"{SHOP}:443"], left


async def _development(folder: Path) -> list[str]:
    """The places that the settings of `airlock dev` name."""
    async with dev(folder / "state") as running:
        await _uploaded(folder / "development", running.address)
        await asyncio.sleep(SECONDS)
        settings = running.environment
    ports = (settings[name] for name in ("AIRLOCK_PORT", "AIRLOCK_HEALTH_PORT"))
    return [settings["AIRLOCK_ENDPOINT_URL"].removeprefix("http://"), *(f"{HOST}:{port}" for port in ports)]


@asynccontextmanager
async def _pods(folder: Path, deployment: AwsSettings, service: str, health: str, aws: str) -> AsyncIterator[None]:
    settings = _settings(folder, deployment) | {
        "AIRLOCK_ENDPOINT_URL": f"http://{aws}",
        "AIRLOCK_PORT": service.rpartition(":")[2],
        "AIRLOCK_HEALTH_PORT": health.rpartition(":")[2],
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    async with AsyncExitStack() as stack:
        children = []
        for pod in PODS:
            own = {**environment, **settings, **keys_of(pod, deployment).environment()}
            children.append(await stack.enter_async_context(program(pod, [sys.executable, "-m", pod], own, grace=10)))
        # The service is not ready before the OpenID provider has answered, and nobody does.
        await until_serving([f"http://{service}/healthz", f"http://{health}/readyz"], children, 60)
        yield


def _settings(folder: Path, deployment: AwsSettings) -> dict[str, str]:
    tokens, secrets = folder / "tokens.toml", folder / "webhooks.toml"
    tokens.write_text(f'[[tokens]]\nowner = "shop"\nsha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"\n')
    secrets.write_text(f'shop = ["whsec_{"A" * 32}"]\n')
    shared: dict[str, Any] = deployment.model_dump(exclude_none=True, exclude={"secrets"})
    return {
        **{f"AIRLOCK_{name.upper()}": str(value) for name, value in shared.items()},
        "AIRLOCK_SECRETS": deployment.secrets[0].get_secret_value(),
        "AIRLOCK_TOKENS": str(tokens),
        "AIRLOCK_DRAIN_SECONDS": "1",
        "AIRLOCK_UNREADY_SECONDS": "0.01",
        "AIRLOCK_OIDC_ISSUER": f"https://{ISSUER}",
        "AIRLOCK_OIDC_AUDIENCE": "airlock",
        "AIRLOCK_WEBHOOK_SECRETS": str(secrets),
        "AIRLOCK_WEBHOOK_NETWORKS": "203.0.113.0/24,2001:db8::/32",
    }


async def _uploaded(folder: Path, service: str, **environment: str) -> None:
    """Have a picture accepted, which an examiner's process reads, and bytes refused, about which the model is asked."""
    folder.mkdir()
    (folder / "unheard").write_bytes(b"\0\1\2\3" * 99)
    Image.new("RGB", (8, 8)).save(folder / "picture.png")
    ran = await airlock("upload", folder / "picture.png", "--json", "--service", service, **environment)
    assert ran.code == 0, ran
    ran = await airlock("upload", folder / "unheard", "--json", "--service", service, **environment)
    assert ran.code == 5, ran
    engines = {engine["name"] for engine in ran.documents[0]["verdict"]["engines"]}
    assert "magika" in engines, ran


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
