"""A deployment whose verdicts go to one webhook."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aws.settings import AwsSettings
from tests.workers.deliveries.receiver import SECRET
from tests.workers.site import Site, opened

PROFILES = """
[profiles.default]
content_types = ["*/*"]
max_bytes = "1 MiB"
checks = ["size", "checksum"]
notify = ["webhook:billing"]

[webhooks.billing]
url = "{url}"
"""


@asynccontextmanager
async def notifying(places: AwsSettings, folder: Path, url: str, **own: Any) -> AsyncIterator[Site]:
    """The site in `places`, with queues for deliveries, that notifies `url`; `own` are the worker's settings.

    The webhook's secret lies in `webhooks.toml` in the folder.
    """
    secrets = folder / "webhooks.toml"
    secrets.write_text(f'billing = ["{SECRET}"]')
    queues = {"delivery_queue": f"d-{places.queue}", "undelivered_queue": f"u-{places.queue}"}
    told = {"webhook_secrets": secrets, "webhook_networks": ["127.0.0.0/8"], **own}
    async with opened(places.model_copy(update=queues), folder, PROFILES.format(url=url), **told) as made:
        yield made
