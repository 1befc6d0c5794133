"""Every check there is, by name, and the making of those that a deployment's profiles ask for."""

import importlib.metadata
from collections.abc import Callable, Mapping
from types import MappingProxyType

from airlock.errors import AirlockError
from airlock.profiles import Profiles
from workers.checks import checksum, clamd, media_type, size, yara
from workers.checks.port import Check
from workers.checks.rule_set import BadRules, compile_rules
from workers.clamd import Address, Clamd
from workers.settings import Settings

Clock = Callable[[], float]


class Misconfigured(AirlockError):
    """Checks that profiles ask for and that cannot be made; the message has a line for each problem."""


def build(profiles: Profiles, settings: Settings, now: Clock) -> Mapping[str, Check]:
    """One check for each name in any profile; raises Misconfigured with everything that stands in the way.

    `now` gives seconds since the epoch.

    A check is never left out: what an unknown or unconfigured one would have seen would pass unseen.
    """
    made: dict[str, Check] = {}
    problems: list[str] = []
    for name, users in _users(profiles).items():
        try:
            made[name] = _make(name, settings, now)
        except (Misconfigured, BadRules, importlib.metadata.PackageNotFoundError) as error:
            problems.append(f"the check {name!r} (in {', '.join(users)}): {error}")
    if problems:
        raise Misconfigured("\n".join(problems))
    return MappingProxyType(made)


def _users(profiles: Profiles) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for profile in profiles.profiles.values():
        for name in profile.checks:
            users.setdefault(name, []).append(profile.name)
    return users


def _make(name: str, settings: Settings, now: Clock) -> Check:
    if name not in _MAKERS:
        raise Misconfigured(f"there is no such check; there are {', '.join(_MAKERS)}")
    return _MAKERS[name](settings, now)


def _clamd(settings: Settings, now: Clock) -> Check:
    if settings.clamd is None:
        raise Misconfigured("AIRLOCK_CLAMD is not set")
    max_age = clamd.MaxAge(settings.clamd_max_age, now)
    return clamd.ClamdCheck(Clamd(Address.parse(settings.clamd)), max_age, descriptors=settings.clamd_descriptors)


_MAKERS: Mapping[str, Callable[[Settings, Clock], Check]] = {
    size.NAME: lambda *_: size.SizeCheck(),
    checksum.NAME: lambda *_: checksum.ChecksumCheck(),
    media_type.NAME: lambda *_: media_type.MediaTypeCheck(),
    yara.NAME: lambda settings, _: yara.YaraCheck(compile_rules(settings.yara_rules)),
    clamd.NAME: _clamd,
}
