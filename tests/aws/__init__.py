"""Tests of the adapters: `settings_at` makes settings for any server; `faults` has one that answers as scripted."""

from pydantic import SecretStr

from aws.settings import AwsSettings


def settings_at(endpoint: str, run: str = "test") -> AwsSettings:
    """Settings for a server at `endpoint`, with names that end in `run`."""
    return AwsSettings(
        region="eu-central-1",
        endpoint_url=endpoint,
        addressing="path",
        incoming_bucket=f"incoming-{run}",
        accepted_bucket=f"accepted-{run}",
        quarantine_bucket=f"quarantine-{run}",
        table=f"uploads-{run}",
        queue=f"objects-{run}",
        dead_letter_queue=f"dead-letters-{run}",
        secrets=[SecretStr("s" * 32)],
    )
