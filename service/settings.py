"""The service's settings beyond `AwsSettings`: where it listens, whom it authenticates, which pages it serves."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from airlock.profiles import ProfileError, Profiles
from aws.settings import CommaSeparated, CorsOrigins, read_profiles
from service.connections.settings import ConnectionSettings
from service.identity.oidc.addresses import is_loopback
from service.identity.oidc.settings import OidcSettings
from service.identity.tokens import StaticTokens, TokensError

WEB = Path(__file__).parent.parent / "web"


# https://www.rfc-editor.org/rfc/rfc9110#name-tokens
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'+.^_`|~-]+$")]


class Settings(OidcSettings, ConnectionSettings):
    """Raises pydantic.ValidationError with every error, including those in the files that the settings name."""

    mode: Literal["production", "dev"] = "production"
    """In `dev`, a caller without a token is the owner "anonymous"."""
    allow_anonymous_remote: bool = False
    """Allows mode `dev` on an address that other machines can reach."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    """0 takes a free port; the log line "listening" names it."""
    tokens: Path | None = None
    """A TOML file: [[tokens]] with owner, sha256 (of the token, in hex), and optionally profiles (patterns), tenant,
    scopes and sessions_for (patterns of owners)."""
    cors_origins: CorsOrigins = Field(default=[])
    """The origins of pages that call this API: see `airlock.origins`."""
    cors_headers: CommaSeparated[HeaderName] = Field(default=["sentry-trace", "traceparent", "tracestate", "baggage"])
    """Request headers that these pages may send beside ours: what tracing adds to each request of a page."""
    demo_page: bool = False
    web: Path = WEB
    """The demo page's files."""
    unready_seconds: float = Field(default=15, ge=0, le=60)
    """How long, after SIGTERM, connections are still taken while /readyz says 503, so that a load balancer notices."""
    drain_seconds: float = Field(default=20, ge=0, le=300)
    """How long, after that, requests in flight may take to finish."""

    @field_validator("profiles")
    @classmethod
    def _profiles_are_valid(cls, value: Path) -> Path:
        load_profiles(value)
        return value

    @field_validator("host")
    @classmethod
    def _dev_is_local(cls, value: str, info: ValidationInfo) -> str:
        open_to_all = info.data.get("mode") == "dev" and not info.data.get("allow_anonymous_remote")
        if open_to_all and not is_loopback(value):
            raise ValueError(
                "must be a loopback address in mode dev, where no token is needed; "
                "AIRLOCK_ALLOW_ANONYMOUS_REMOTE=true allows others"
            )
        return value

    @field_validator("tokens")
    @classmethod
    def _tokens_are_valid(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        # A wrong issuer is missing from the data: its own error is reported instead.
        no_caller = value is None and info.data.get("oidc_issuer", "wrong") is None
        if no_caller and info.data.get("mode") == "production":
            raise ValueError("is required in mode production, unless AIRLOCK_OIDC_ISSUER is set")
        if value is not None:
            load_tokens(value)
        return value

    @field_validator("unready_seconds")
    @classmethod
    def _load_balancers_notice(cls, value: float, info: ValidationInfo) -> float:
        if value == 0 and info.data.get("mode") == "production":
            raise ValueError("must be above 0 in mode production, or requests are sent to a pod that has ended")
        return value

    @field_validator("web")
    @classmethod
    def _pages_exist(cls, value: Path, info: ValidationInfo) -> Path:
        if info.data.get("demo_page") and not (value / "index.html").is_file():
            raise ValueError(f"has no index.html ({value})")
        return value


def load_profiles(path: Path) -> Profiles:
    """Read the profiles file; raises ValueError with all its errors."""
    try:
        return read_profiles(path)
    except ProfileError as error:
        raise ValueError(f"{path}: {error}") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


def load_tokens(path: Path) -> StaticTokens:
    """Read the tokens file; raises ValueError with all its errors."""
    try:
        return StaticTokens.load(path.read_text("utf-8"))
    except TokensError as error:
        raise ValueError(f"{path}: {error}") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
