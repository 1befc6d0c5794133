"""Profiles: all rule sets of `airlock.toml`, with its quotas and webhooks."""

import tomllib
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import from_json

from airlock import targets
from airlock.content.rules import unexaminable
from airlock.errors import AirlockError, Refused
from airlock.profile import Profile, Strict
from airlock.quotas import Quotas


class ProfileError(AirlockError):
    """The profiles file breaks rules; the message lists all of them, a line each."""


class Webhook(Strict):
    """An HTTPS receiver of verdict events. What signs them is not here, but in AIRLOCK_WEBHOOK_SECRETS."""

    url: str

    @field_validator("url")
    @classmethod
    def _url_is_one(cls, value: str) -> str:
        problem = targets.url_problem(value)
        if problem:
            raise ValueError(problem)
        return value


class Profiles(Strict):
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

    @model_validator(mode="after")
    def _types_can_be_examined(self) -> Self:
        for profile in self.profiles.values():
            problems = unexaminable(profile.content_types, profile.checks, profile.unexamined)
            if problems:
                raise ValueError(f"profile {profile.name!r}: {'; '.join(problems)}")
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
