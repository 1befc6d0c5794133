"""The settings of the worker, read once from the environment."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from aws.settings import AwsSettings, CommaSeparated


def _clamd_address(value: str) -> str:
    parts = urlsplit(value)
    try:
        tcp = parts.scheme == "tcp" and bool(parts.hostname) and parts.port is not None
    except ValueError:  # the port is not a number up to 65535
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
    """The settings that both pods share, and those of the worker alone: AIRLOCK_CONCURRENCY and so on."""

    concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    """How many messages are worked on at once. An object above 8 MiB takes about 9 MiB of memory meanwhile."""
    visibility: Annotated[int, Field(ge=2, le=43200)] = 60
    """Seconds for which a message is hidden from other workers; extended while it is worked on."""
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    """How often a message is delivered before it is given up."""
    poll_seconds: Annotated[int, Field(ge=0, le=20)] = 20
    """Seconds for which one receive waits for the first message."""
    drain_seconds: Annotated[float, Field(ge=0, le=3600)] = 25
    """Seconds that messages in flight may take to finish after SIGTERM."""
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """The port of /healthz and /readyz; 0 turns them off."""
    clamd: Annotated[str, AfterValidator(_clamd_address)] | None = None
    """The address of a clamd: tcp://HOST:PORT or unix:///PATH."""
    clamd_max_age: Annotated[int, Field(ge=0, le=36500)] = 7
    """Days after which virus definitions are too old to be used; 0 for never."""
    clamd_descriptors: bool = True
    """Pass clamd a file descriptor over its unix socket, where another check made a copy, instead of the bytes."""
    webhook_secrets: Annotated[Path, AfterValidator(_file)] | None = None
    """A TOML file with a list of secrets (whsec_...) for each webhook of the profiles, the newest first."""
    webhook_networks: CommaSeparated[IPv4Network | IPv6Network] = Field(default=[])
    """Networks to which webhooks may connect beside the internet, such as 10.1.0.0/16."""
    webhook_concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    """How many calls of each webhook are made at once."""
    yara_rules: Annotated[Path, AfterValidator(_folder)] | None = None
    """A folder of .yar and .yara files. The bundled rules are used in any case."""
    spool_folder: Annotated[Path, AfterValidator(_folder)] | None = None
    """Where copies of objects above 1 MiB are kept while they are inspected; the system's temporary folder if unset."""
    spool_size: Annotated[int, Field(ge=0, le=16_777_216)] = 0
    """MiB that these copies may take together; 0 is what is free in the folder at the start."""
    parsers: Annotated[int, Field(ge=1, le=64)] = 2
    """How many objects are parsed at once, each by a process, and one more for each depth of archives in archives."""
    sandbox: Literal["required", "available"] = "required"
    """Whether the worker refuses to work where its children can have no filter of system calls, or goes without."""
    parser_memory: Annotated[int, Field(ge=128, le=65536)] = 1024
    """MiB of address space for each of these processes."""
