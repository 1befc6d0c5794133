"""One profile: a named rule set of `airlock.toml`."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from airlock import keys, limits, targets, units
from airlock.content import media_types
from airlock.content.finding_code import Amount
from airlock.content.finding_codes import FINDING_CODES
from airlock.content.formats import EXAMINERS
from airlock.content.rules import allowed_by
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


class Strict(BaseModel):
    """A frozen model that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Outcomes(Strict):
    """What happens to the bytes of an object that is not accepted: kept in quarantine, or deleted."""

    rejected: OutcomeAction = "delete"
    infected: OutcomeAction = "quarantine"
    unscannable: OutcomeAction = "quarantine"


class Profile(Strict):
    """One rule set. Sizes in bytes (`"5 MiB"` in the file), durations in seconds (`"15m"` in the file)."""

    name: str
    description: str = ""
    content_types: tuple[str, ...] = Field(min_length=1)
    min_bytes: Annotated[Bytes, Field(ge=0)] = 1
    max_bytes: Annotated[Bytes, Field(ge=1, le=MAX_POST_BYTES)]
    lifetime: Annotated[Seconds, Field(ge=1, le=MAX_LIFETIME)] = 900
    checks: tuple[str, ...] = (*REQUIRED_CHECKS, "media_type", "yara", "clamd", *EXAMINERS)
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
    member_types: tuple[str, ...] | None = None
    """What files inside an object may be; None: the content types. `takes_member` says by which rules."""
    unexamined: tuple[str, ...] = ()
    """Types that are accepted although no check examines them; the verdict names them. Patterns, as content types."""
    findings: Mapping[str, Amount] = Field(default_factory=dict)
    """What findings amount to by their code, where it is not the default of `finding_codes`."""
    limits: Mapping[str, int] = Field(default_factory=dict)
    """What the parsers of hostile formats keep to, where it is not their own default: names of `limits.LIMITS`."""

    @field_validator("name")
    @classmethod
    def _name_is_plain(cls, value: str) -> str:
        return _each("name", (value,), _NAME)[0]

    @field_validator("content_types", "member_types", "unexamined")
    @classmethod
    def _types_are_patterns(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is None:
            return None
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

    @field_validator("findings")
    @classmethod
    def _findings_can_be_changed(cls, value: Mapping[str, Amount]) -> Mapping[str, Amount]:
        for code in value:
            if code not in FINDING_CODES:
                raise ValueError(f"there is no finding code {code!r}; docs/checks.md has all")
            if FINDING_CODES[code].fixed:
                raise ValueError(f"{code} always amounts to the same, as {FINDING_CODES[code].why}")
        return value

    def takes(self, media_type: str) -> bool:
        """Whether an object may be declared as this media type."""
        return any(media_types.matches(pattern, media_type) for pattern in self.content_types)

    def takes_member(self, media_type: str) -> bool:
        """Whether a file of this media type may be inside an object. What runs has to be named itself."""
        return allowed_by(self.content_types if self.member_types is None else self.member_types, media_type)

    def leaves_unexamined(self, media_type: str) -> bool:
        """Whether objects of this media type are accepted although no check examines them."""
        return any(media_types.matches(pattern, media_type) for pattern in self.unexamined)

    def amount(self, code: str) -> Amount:
        """What a finding of this code amounts to; an unknown code makes the object unscannable."""
        if code in self.findings:
            return self.findings[code]
        return FINDING_CODES[code].default if code in FINDING_CODES else "unscannable"

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
