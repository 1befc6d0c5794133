"""A deployment whose verdicts go to one webhook."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aws.settings import AwsSettings
from tests.workers.deliveries.receiver import SECRET
from tests.workers.harness import WorkerHarness, harness_in

PROFILES = """
[profiles.default]
content_types = ["*/*"]
unexamined = ["*/*"]
max_bytes = "1 MiB"
checks = ["size", "checksum"]
notify = ["webhook:billing"]

[webhooks.billing]
url = "{url}"
"""


@asynccontextmanager
async def notifying(deployment: AwsSettings, folder: Path, url: str, **own: Any) -> AsyncIterator[WorkerHarness]:
    """A worker harness whose deployment has queues for deliveries and notifies `url`; `own` are the worker's settings.

    The webhook's secret lies in `webhooks.toml` in the folder.
    """
    secrets = folder / "webhooks.toml"
    secrets.write_text(f'billing = ["{SECRET}"]')
    settings = {"webhook_secrets": secrets, "webhook_networks": ["127.0.0.0/8"], **own}
    async with harness_in(deployment, folder, PROFILES.format(url=url), **settings) as made:
        yield made
