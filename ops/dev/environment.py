"""The environment of the programs of `airlock dev`: their settings, and AWS credentials of the emulator."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from airlock import origins
from aws.settings import CorsOrigins, read_profiles
from ops.dev.emulator import Emulator
from ops.dev.loopback import HOST
from ops.dev.workspace import secret, write_environment

SHIPPED_PROFILES = Path(__file__).parents[2] / "airlock.toml"
DRAIN_SECONDS = 5
PAGES_HERE = tuple(
    f"{scheme}://{host}{port}"
    for scheme, host, port in product(("http", "https"), ("localhost", "127.0.0.1", "[::1]"), ("", ":*"))
)
# A worker ends when its poll does.
WORKER_POLL_SECONDS = 1


@dataclass(frozen=True)
class Deployment:
    """What one run consists of: its folder, its emulator, the address of clamd (None: no clamd), and the ports of the
    service and of the worker's health page.
    """

    folder: Path
    emulator: Emulator
    clamd: str | None
    port: int
    health_port: int

    @property
    def address(self) -> str:
        """The service's address."""
        return f"http://{HOST}:{self.port}"

    @property
    def ready_urls(self) -> list[str]:
        """The pages that respond with 200 when service and worker are ready."""
        return [f"{self.address}/readyz", f"http://{HOST}:{self.health_port}/readyz"]

    def set_environment(self) -> None:
        """Set the variables for us and our children, and write them to the folder, for a shell.

        All other AWS variables are removed.
        """
        variables = {**self._aws(), **self._places(), **self._programs()}
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(variables)
        write_environment(self.folder, variables)

    def _aws(self) -> Mapping[str, str]:
        return {
            **self.emulator.access_key.environment(),
            # A profile of the developer could name another endpoint, or other credentials.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _places(self) -> Mapping[str, str]:
        return {
            "AIRLOCK_REGION": self.emulator.region,
            "AIRLOCK_ENDPOINT_URL": self.emulator.endpoint,
            "AIRLOCK_ADDRESSING": "path",
            "AIRLOCK_INCOMING_BUCKET": "airlock-incoming",
            "AIRLOCK_ACCEPTED_BUCKET": "airlock-accepted",
            "AIRLOCK_QUARANTINE_BUCKET": "airlock-quarantine",
            "AIRLOCK_SECRETS": secret(self.folder),
            "AIRLOCK_PROFILES": str(profiles_file(self.folder, clamd=self.clamd is not None)),
        }

    def _programs(self) -> Mapping[str, str]:
        return {
            "AIRLOCK_CORS_ORIGINS": cors_origins(os.environ.get("AIRLOCK_CORS_ORIGINS", "")),
            "AIRLOCK_MODE": "dev",
            "AIRLOCK_HOST": HOST,
            "AIRLOCK_PORT": str(self.port),
            "AIRLOCK_DEMO_PAGE": "true",
            "AIRLOCK_HEALTH_HOST": HOST,
            "AIRLOCK_HEALTH_PORT": str(self.health_port),
            "AIRLOCK_UNREADY_SECONDS": "0",
            "AIRLOCK_DRAIN_SECONDS": str(DRAIN_SECONDS),
            "AIRLOCK_POLL_SECONDS": str(WORKER_POLL_SECONDS),
            "AIRLOCK_SANDBOX": "available",  # a laptop may lack libseccomp2
            **({"AIRLOCK_CLAMD": self.clamd} if self.clamd else {}),
        }


def cors_origins(given: str) -> str:
    """The value of AIRLOCK_CORS_ORIGINS: what the developer gave, and every page of this machine on any port."""
    try:
        wanted = TypeAdapter(CorsOrigins).validate_python(given)
    except ValidationError:
        return given  # Whoever reads it next says what is wrong with it.
    return origins.ANY if origins.ANY in wanted else ",".join(dict.fromkeys([*wanted, *PAGES_HERE]))


def profiles_file(folder: Path, *, clamd: bool) -> Path:
    """The profiles file to use: that of AIRLOCK_PROFILES, `airlock.toml` here, or ours.

    Without `clamd` it is a copy in `folder` that does not ask for the check.
    """
    here = Path("airlock.toml")
    named = os.environ.get("AIRLOCK_PROFILES") or (here if here.exists() else SHIPPED_PROFILES)
    chosen = Path(named).resolve()
    if clamd:
        return chosen
    copy = folder / "profiles.json"
    copy.write_text(read_profiles(chosen).without_check("clamd").to_json())
    return copy
