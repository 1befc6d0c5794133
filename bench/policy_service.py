"""The service under measurement: in production mode, with one static token."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

TOKEN = "bench-token-" + "0" * 32
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def environment(folder: Path, port: int) -> Mapping[str, str]:
    """The variables of a service that listens on `port`; its file of tokens is written into `folder`."""
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    (folder / "tokens.toml").write_text(f'[[tokens]]\nowner = "bench"\nsha256 = "{digest}"\n')
    return AWS | {
        "AIRLOCK_REGION": "eu-central-1",
        "AIRLOCK_INCOMING_BUCKET": "bench-incoming",
        "AIRLOCK_ACCEPTED_BUCKET": "bench-accepted",
        "AIRLOCK_QUARANTINE_BUCKET": "bench-quarantine",
        "AIRLOCK_SECRETS": "bench-" + "0" * 32,
        "AIRLOCK_UNREADY_SECONDS": "0.01",
        "AIRLOCK_TOKENS": str(folder / "tokens.toml"),
        "AIRLOCK_PORT": str(port),
    }
