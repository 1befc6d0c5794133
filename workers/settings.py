"""What the worker must know, from the environment, read once."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from aws.settings import AwsSettings, CommaSeparated


def _clamd_address(value: str) -> str:
    parts = urlsplit(value)
    try:
        tcp = parts.scheme == "tcp" and bool(parts.hostname) and parts.port is not None
    except ValueError:  # the port is no number up to 65535
        tcp = False
    unix = parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/")
    if not (tcp or unix):
        raise ValueError("must be tcp://HOST:PORT or unix:///PATH")
    return value


def _folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("must be a folder")
    return value


def _file(value: Path) -> Path:
    if not value.is_file():
        raise ValueError("must be a file")
    return value


class Settings(AwsSettings):
    """The shared settings, and the worker's own: AIRLOCK_CONCURRENCY and so on."""

    concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    """Messages worked on at once. An object above 8 MiB costs about 9 MiB of memory meanwhile."""
    visibility: Annotated[int, Field(ge=2, le=43200)] = 60
    """Seconds for which a message is hidden from other workers; extended while it is worked on."""
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    """Deliveries of a message after which it is given up."""
    poll_seconds: Annotated[int, Field(ge=0, le=20)] = 20
    """How long one receive waits for the first message."""
    drain_seconds: Annotated[float, Field(ge=0, le=3600)] = 25
    """How long what is in flight may take to finish after SIGTERM."""
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Where /healthz and /readyz answer; 0 for nowhere."""
    clamd: Annotated[str, AfterValidator(_clamd_address)] | None = None
    """tcp://HOST:PORT or unix:///PATH of a clamd."""
    clamd_max_age: Annotated[int, Field(ge=0, le=36500)] = 7
    """Days after which definitions are too old to believe; 0 for never."""
    clamd_descriptors: bool = True
    """Over a unix socket, hand clamd the copy that other checks needed rather than stream it."""
    webhook_secrets: Annotated[Path, AfterValidator(_file)] | None = None
    """A TOML file that holds, for each webhook of the profiles, a list of secrets (whsec_...), newest first."""
    webhook_networks: CommaSeparated[IPv4Network | IPv6Network] = Field(default=[])
    """Networks beside the internet to which webhooks may lead: 10.1.0.0/16."""
    webhook_concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    """Webhooks called at once."""
    yara_rules: Annotated[Path, AfterValidator(_folder)] | None = None
    """A folder of .yar and .yara files; the bundled rules are always used."""
    spool_folder: Annotated[Path, AfterValidator(_folder)] | None = None
    """Where copies of objects above 1 MiB are kept while they are inspected; the system's temporary folder if unset."""
    parsers: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes that parse hostile formats at once; as many more for each depth of archives in archives."""
    parser_memory: Annotated[int, Field(ge=128, le=65536)] = 1024
    """MiB of address space that each of them may have."""
