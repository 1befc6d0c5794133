"""What the service must know beyond `AwsSettings`: where it listens, whom it believes, which pages it serves."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from airlock.profiles import ProfileError, Profiles
from aws.settings import CommaSeparated, Origin, read_profiles
from service.identity.oidc.addresses import is_loopback
from service.identity.oidc.settings import OidcSettings
from service.identity.tokens import StaticTokens, TokensError

WEB = Path(__file__).parent.parent / "web"


def _origins(values: list[str]) -> list[str]:
    if "*" in values and values != ["*"]:
        raise ValueError("must be '*' alone, or a list of origins without it")
    return values


class Settings(OidcSettings):
    """One service. Raises pydantic.ValidationError with every problem, those of the files it names included."""

    mode: Literal["production", "dev"] = "production"
    """In `dev`, whoever brings no token is the owner "anonymous"."""
    allow_anonymous_remote: bool = False
    """Lets `dev` listen on an address that other machines reach."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    """0 takes a free one; the log line "listening" tells which."""
    tokens: Path | None = None
    """A TOML file: [[tokens]] owner, sha256 (hex, of the token), and optionally profiles (patterns), tenant, scopes and
    sessions_for (patterns of owners)."""
    cors_origins: Annotated[CommaSeparated[Origin | Literal["*"]], AfterValidator(_origins)] = Field(default=[])
    """Where pages come from that call this API: `https://app.example.com`, or `*`."""
    demo_page: bool = False
    web: Path = WEB
    """The demo page's files."""
    unready_seconds: float = Field(default=0, ge=0, le=60)
    """After SIGTERM: how long connections are still taken while /readyz says 503, for a balancer to notice."""
    drain_seconds: float = Field(default=20, ge=0, le=300)
    """After that: how long requests in flight may take to finish."""

    @field_validator("profiles")
    @classmethod
    def _profiles_hold(cls, value: Path) -> Path:
        load_profiles(value)
        return value

    @field_validator("host")
    @classmethod
    def _anonymous_stays_here(cls, value: str, info: ValidationInfo) -> str:
        open_to_all = info.data.get("mode") == "dev" and not info.data.get("allow_anonymous_remote")
        if open_to_all and not is_loopback(value):
            raise ValueError(
                "must be a loopback address in mode dev, where nobody needs a token; "
                "AIRLOCK_ALLOW_ANONYMOUS_REMOTE=true lifts that"
            )
        return value

    @field_validator("tokens")
    @classmethod
    def _tokens_hold(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        # An issuer that is wrong is not there, and told by itself.
        nobody = value is None and info.data.get("oidc_issuer", "wrong") is None
        if nobody and info.data.get("mode") == "production":
            raise ValueError("is needed in mode production, or AIRLOCK_OIDC_ISSUER")
        if value is not None:
            load_tokens(value)
        return value

    @field_validator("web")
    @classmethod
    def _pages_are_there(cls, value: Path, info: ValidationInfo) -> Path:
        if info.data.get("demo_page") and not (value / "index.html").is_file():
            raise ValueError(f"holds no index.html ({value})")
        return value


def load_profiles(path: Path) -> Profiles:
    """Read the profiles file; raises ValueError with all its problems."""
    try:
        return read_profiles(path)
    except ProfileError as error:
        raise ValueError(f"{path}: {error}") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


def load_tokens(path: Path) -> StaticTokens:
    """Read the tokens file; raises ValueError with all its problems."""
    try:
        return StaticTokens.load(path.read_text("utf-8"))
    except TokensError as error:
        raise ValueError(f"{path}: {error}") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
