"""Profiles: the named rule sets of `airlock.toml`."""

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import from_json

from airlock import keys, limits, media_types, targets, units
from airlock.errors import AirlockError, Refused
from airlock.quotas import Quotas
from airlock.targets import Target
from airlock.units import Bytes, Seconds
from airlock.upload_id import MAX_LIFETIME

# "Uploading objects", Amazon S3 user guide: 5 GB (5 GiB, as the server counts) in a single POST.
MAX_POST_BYTES = 5 * 1024**3

# Without these an object of the wrong size or with other bytes than declared could be accepted.
REQUIRED_CHECKS = ("size", "checksum")

OutcomeAction = Literal["delete", "quarantine"]
AboveEngineLimit = Literal["unscannable", "accept"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}\Z")
_CHECK = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
_METADATA_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")


class ProfileError(AirlockError):
    """The profiles file breaks rules; the message lists all of them, a line each."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Outcomes(_Strict):
    """What happens to the bytes of an object that is not accepted: kept in quarantine, or deleted."""

    rejected: OutcomeAction = "delete"
    infected: OutcomeAction = "quarantine"
    unscannable: OutcomeAction = "quarantine"


class Profile(_Strict):
    """One rule set. Sizes in bytes (`"5 MiB"` in the file), durations in seconds (`"15m"` in the file)."""

    name: str
    description: str = ""
    content_types: tuple[str, ...] = Field(min_length=1)
    min_bytes: Annotated[Bytes, Field(ge=0)] = 1
    max_bytes: Annotated[Bytes, Field(ge=1, le=MAX_POST_BYTES)]
    lifetime: Annotated[Seconds, Field(ge=1, le=MAX_LIFETIME)] = 900
    checks: tuple[str, ...] = (*REQUIRED_CHECKS, "media_type", "yara", "clamd")
    metadata: tuple[str, ...] = ()
    owners: tuple[str, ...] = ("*",)
    scopes: tuple[Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")], ...] = ()
    """What a caller's token must carry, all of it: scope tokens of RFC 6749, section 3.3."""
    accepted_key: str = "{profile}/{year}/{month}/{day}/{id}{extension}"
    notify: tuple[str, ...] = ()
    retention: Annotated[Seconds, Field(ge=3600)] = 90 * 24 * 3600
    outcomes: Outcomes = Outcomes()
    above_engine_limit: AboveEngineLimit = "unscannable"
    """Of an object that is larger than an engine takes: `accept` leaves it to the others and names the missing one."""
    stop_early: bool = False
    """Whether the first objection that nothing can lift ends the reading; the verdict has no SHA-256 then."""
    limits: Mapping[str, int] = Field(default_factory=dict)
    """What the parsers of hostile formats keep to, where it is not their own default: names of `limits.LIMITS`."""

    @field_validator("name")
    @classmethod
    def _name_is_plain(cls, value: str) -> str:
        return _each("name", (value,), _NAME)[0]

    @field_validator("content_types")
    @classmethod
    def _types_are_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [item for item in value if not media_types.is_pattern(item)]
        if wrong:
            raise ValueError(f"{wrong} are not media types like 'image/png', 'image/*' or '*/*'")
        return tuple(item.lower() for item in value)

    @field_validator("limits", mode="before")
    @classmethod
    def _limits_are_known(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        problems = [problem for name, given in value.items() if (problem := _limit_problem(name, given))]
        if problems:
            raise ValueError("; ".join(problems))
        return {name: _limit(name, given) for name, given in value.items()}

    @field_validator("max_bytes")
    @classmethod
    def _sizes_are_in_order(cls, value: int, info: ValidationInfo) -> int:
        smallest = info.data.get("min_bytes", 0)
        if smallest > value:
            raise ValueError(f"max_bytes ({value}) is below min_bytes ({smallest})")
        return value

    @field_validator("checks")
    @classmethod
    def _checks_are_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        missing = [name for name in REQUIRED_CHECKS if name not in value]
        if missing:
            raise ValueError(f"{missing} cannot be left out")
        if len(set(value)) != len(value):
            raise ValueError("a check stands in it twice")
        return _each("a check's name", value, _CHECK)

    @field_validator("metadata")
    @classmethod
    def _metadata_names_fit_headers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _each("a metadata name", value, _METADATA_NAME)

    @field_validator("notify")
    @classmethod
    def _targets_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            targets.parse(text)
        return value

    @field_validator("accepted_key")
    @classmethod
    def _template_is_safe(cls, value: str) -> str:
        problem = keys.template_problem(value)
        if problem:
            raise ValueError(problem)
        return value

    def takes(self, media_type: str) -> bool:
        """Whether an object may be declared as this media type."""
        return any(media_types.matches(pattern, media_type) for pattern in self.content_types)

    def allows(self, owner: str) -> bool:
        """Whether this owner may use the profile: `owners` are shell-style patterns."""
        return "*" in self.owners or any(fnmatchcase(owner, pattern) for pattern in self.owners)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where verdict events go."""
        return tuple(map(targets.parse, self.notify))


def _limit(name: str, value: object) -> object:
    match limits.LIMITS[name].unit:
        case "bytes":
            return units.parse_bytes(value)
        case "seconds":
            return units.parse_seconds(value)
        case "count":
            return value


def _limit_problem(name: str, value: object) -> str | None:
    if name not in limits.LIMITS:
        return f"there is no limit {name!r}; there are {', '.join(limits.LIMITS)}"
    try:
        number = _limit(name, value)
    except ValueError as error:
        return f"{name} {error}"
    largest = limits.LIMITS[name].largest
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= largest:
        return f"{name} must be from 1 to {largest}"
    return None


def _each(what: str, values: tuple[str, ...], rule: re.Pattern[str]) -> tuple[str, ...]:
    wrong = [value for value in values if not rule.match(value)]
    if wrong:
        raise ValueError(f"{what} must match {rule.pattern.removesuffix(chr(92) + 'Z')}; {wrong} does not")
    return values


class Webhook(_Strict):
    """An HTTPS receiver of verdict events. What signs them is not here, but in AIRLOCK_WEBHOOK_SECRETS."""

    url: str

    @field_validator("url")
    @classmethod
    def _url_is_one(cls, value: str) -> str:
        problem = targets.url_problem(value)
        if problem:
            raise ValueError(problem)
        return value


class Profiles(_Strict):
    """All profiles of a deployment. `default_profile` is used where a caller names none."""

    default_profile: str = "default"
    profiles: Mapping[str, Profile] = Field(min_length=1)
    quotas: Quotas = Quotas()
    webhooks: Mapping[str, Webhook] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _names_from_tables(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(tables := data.get("profiles"), dict):
            return data
        named = {name: {**table, "name": name} if isinstance(table, dict) else table for name, table in tables.items()}
        return {**data, "profiles": named}

    @model_validator(mode="after")
    def _default_exists(self) -> Self:
        if self.default_profile not in self.profiles:
            raise ValueError(f"default_profile {self.default_profile!r} is none of {sorted(self.profiles)}")
        return self

    @model_validator(mode="after")
    def _webhooks_exist(self) -> Self:
        for profile in self.profiles.values():
            for target in profile.targets:
                if target.kind == "webhook" and target.name not in self.webhooks:
                    raise ValueError(f"profile {profile.name!r} notifies webhook {target.name!r}, which is not there")
        return self

    def notified(self, kind: targets.TargetKind) -> list[str]:
        """The names of all targets of one kind that any profile notifies, sorted."""
        every = {target for profile in self.profiles.values() for target in profile.targets}
        return sorted(target.name for target in every if target.kind == kind)

    @classmethod
    def load(cls, text: str, syntax: Literal["toml", "json"] = "toml") -> Self:
        """Read the text of a profiles file; raises ProfileError with all problems."""
        try:
            return cls.model_validate(tomllib.loads(text) if syntax == "toml" else from_json(text))
        except ValidationError as error:
            raise ProfileError("\n".join(_lines(error))) from error
        except ValueError as error:
            raise ProfileError(f"the profiles are not {syntax.upper()}: {error}") from error

    def get(self, name: str | None) -> Profile:
        """The profile of that name, or the default one for None; raises Refused for an unknown name."""
        profile = self.profiles.get(self.default_profile if name is None else name)
        if profile is None:
            known = ", ".join(sorted(self.profiles))
            raise Refused("unknown_profile", f"profile must be one of: {known}", field="profile")
        return profile

    def without_check(self, name: str) -> Self:
        """The same profiles, none of which asks for the check of that name."""
        changed = {
            key: profile.model_copy(update={"checks": tuple(check for check in profile.checks if check != name)})
            for key, profile in self.profiles.items()
        }
        return self.model_copy(update={"profiles": changed})

    def to_json(self) -> str:
        """JSON that `load(…, "json")` reads back to equal profiles."""
        return self.model_dump_json()


def _lines(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in item['loc']) or 'profiles'}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_url=False, include_input=False)
    ]
