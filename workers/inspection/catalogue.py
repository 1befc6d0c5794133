"""All checks by name, and how those that the deployment's profiles name are made.

A new check of Airlock's own goes into `_MAKERS`. A new examiner is a module of `workers.inspection.parsers`, named in
`airlock.content.formats`; all examiners, and the check `media_type`, run within the check `content`. Checks of other
packages are found by their entry points.
"""

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import cast

from airlock.callables import Clock
from airlock.content.formats import EXAMINERS
from airlock.errors import AirlockError
from airlock.profiles import Profiles
from workers.inspection.checks import checksum, content, size
from workers.inspection.checks.port import CONTENT, Check
from workers.inspection.clamd import check as clamd
from workers.inspection.clamd.client import Address, ClamdClient
from workers.inspection.parsers.port import Examiner
from workers.inspection.readings import MEDIA_TYPE
from workers.inspection.sandbox.pool import Sandbox
from workers.inspection.yara import check as yara
from workers.inspection.yara.rule_set import BadRules, compile_rules
from workers.settings import Settings

GROUP = "airlock.checks"
"""The group of entry points for checks in installed packages: a name, and a callable that makes one from Settings."""


IDENTIFICATION = (
    *("workers.inspection.identification.identify", "olefile", "re2"),
    *("encodings.cp437", "encodings.utf_16_le"),
)
"""What identification imports; the fork server does so once."""


class Misconfigured(AirlockError):
    """Checks that profiles name and that cannot be made; the message has a line for each problem."""


def build(profiles: Profiles, settings: Settings, now: Clock) -> Mapping[str, Check]:
    """One check for each name in any profile; raises Misconfigured with every problem.

    `now` gives seconds since the epoch. A check that is unknown or not configured is an error and is never left out:
    objects would be accepted without it.
    """
    made: dict[str, Check] = {}
    problems: list[str] = []
    named = _users(profiles)
    for name, users in named.items():
        try:
            if name not in (*EXAMINERS, MEDIA_TYPE):
                made[name] = _make(name, settings, now)
            elif name in EXAMINERS:
                _find_packages(_examiner(name).MODULES)
            else:
                _find_packages(["magika"])
        except (Misconfigured, BadRules) as error:
            problems.append(f"the check {name!r} (in {', '.join(users)}): {error}")
    if problems:
        raise Misconfigured("\n".join(problems))
    made[CONTENT] = _content_check([name for name in EXAMINERS if name in named], settings)
    return MappingProxyType(made)


async def confine(checks: Mapping[str, Check]) -> None:
    """Have the children of the checks ready; raises Unavailable("sandbox") where they cannot be confined enough."""
    for check in _with_children(checks):
        await check.ready()


def unconfined(checks: Mapping[str, Check]) -> Sequence[str]:
    """The layers of confinement that children of the checks had to do without: see `confinement.Missing`."""
    return list(dict.fromkeys(layer for check in _with_children(checks) for layer in check.missing))


def _with_children(checks: Mapping[str, Check]) -> Sequence[content.ContentCheck | yara.YaraCheck]:
    return [check for check in checks.values() if isinstance(check, content.ContentCheck | yara.YaraCheck)]


def _content_check(examiners: Sequence[str], settings: Settings) -> content.ContentCheck:
    modules = {name: _module(name) for name in examiners}
    preloaded = [*IDENTIFICATION, *modules.values(), *(each for name in examiners for each in _examiner(name).MODULES)]
    memory, required = settings.parser_memory * 1024**2, settings.sandbox == "required"
    sandbox = Sandbox(preloaded, children=settings.parsers, memory=memory, required=required)
    return content.ContentCheck(modules, sandbox)


def _users(profiles: Profiles) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for profile in profiles.profiles.values():
        for name in profile.checks:
            users.setdefault(name, []).append(profile.name)
    return users


def _make(name: str, settings: Settings, now: Clock) -> Check:
    return _MAKERS[name](settings, now) if name in _MAKERS else _installed(name, settings)


def _module(name: str) -> str:
    return f"workers.inspection.parsers.{name}"


def _examiner(name: str) -> Examiner:
    # This imports no library that parses a format: only the fork server imports those.
    return cast("Examiner", importlib.import_module(_module(name)))


def _find_packages(modules: Iterable[str]) -> None:
    """Raises Misconfigured for a missing library: else it would fail the first object of that format."""
    for package in sorted({each.partition(".")[0] for each in modules}):
        if importlib.util.find_spec(package) is None:
            raise Misconfigured(f"the Python package {package} is not installed")


def _installed(name: str, settings: Settings) -> Check:
    offers = importlib.metadata.entry_points(group=GROUP)
    if name not in offers.names:
        raise Misconfigured(
            f"unknown check; the known ones are {', '.join((*_MAKERS, MEDIA_TYPE, *EXAMINERS, *offers.names))}"
        )
    offer = offers[name]
    try:
        check = offer.load()(settings)
    except Exception as error:  # code of another package, which can raise anything
        raise Misconfigured(f"{offer.value} cannot be used: {type(error).__name__}: {error}") from error
    if getattr(check, "name", None) != name:
        raise Misconfigured(f"{offer.value} makes a check with another name")
    return cast("Check", check)


def _clamd(settings: Settings, now: Clock) -> Check:
    if settings.clamd is None:
        raise Misconfigured("AIRLOCK_CLAMD is not set")
    max_age = clamd.MaxAge(settings.clamd_max_age, now)
    return clamd.ClamdCheck(ClamdClient(Address.parse(settings.clamd)), max_age, descriptors=settings.clamd_descriptors)


def _yara(settings: Settings, _: Clock) -> Check:
    rules = compile_rules(settings.yara_rules)
    return yara.YaraCheck(rules, scans=settings.parsers, required=settings.sandbox == "required")


_MAKERS: Mapping[str, Callable[[Settings, Clock], Check]] = {
    size.NAME: lambda *_: size.SizeCheck(),
    checksum.NAME: lambda *_: checksum.ChecksumCheck(),
    yara.NAME: _yara,
    clamd.NAME: _clamd,
}
