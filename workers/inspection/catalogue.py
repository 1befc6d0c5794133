"""All checks by name, and how those that the deployment's profiles name are made.

A new check of Airlock's own goes into `_MAKERS`, or, where it is a parser, into `PARSERS`. Checks of other packages are
found by their entry points.
"""

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import cast

from airlock.callables import Clock
from airlock.errors import AirlockError
from airlock.profiles import Profiles
from workers.inspection.checks import checksum, media_type, size
from workers.inspection.checks.parser import ParserCheck
from workers.inspection.checks.port import Check
from workers.inspection.clamd import check as clamd
from workers.inspection.clamd.client import Address, ClamdClient
from workers.inspection.parsers.port import Parser
from workers.inspection.sandbox.pool import Sandbox
from workers.inspection.yara import check as yara
from workers.inspection.yara.rule_set import BadRules, compile_rules
from workers.settings import Settings

GROUP = "airlock.checks"
"""The group of entry points for checks in installed packages: a name, and a callable that makes one from Settings."""

PARSERS = ("image", "pdf", "markup", "office", "archive")
"""The checks that run a parser: each is named as its module in `workers.inspection.parsers`."""


class Misconfigured(AirlockError):
    """Checks that profiles name and that cannot be made; the message has a line for each problem."""


def build(profiles: Profiles, settings: Settings, now: Clock) -> Mapping[str, Check]:
    """One check for each name in any profile; raises Misconfigured with every problem.

    `now` gives seconds since the epoch. A check that is unknown or not configured is an error and is never left out:
    objects would be accepted without it.
    """
    made: dict[str, Check] = {}
    named = _users(profiles)
    modules = [module for name in named if name in PARSERS for module in (_module(name), *_parser(name).MODULES)]
    sandbox = Sandbox(modules, children=settings.parsers, memory=settings.parser_memory * 1024**2)
    problems: list[str] = []
    for name, users in named.items():
        try:
            made[name] = _make(name, settings, now, sandbox)
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


def _make(name: str, settings: Settings, now: Clock, sandbox: Sandbox) -> Check:
    if name in PARSERS:
        return _parser_check(name, sandbox)
    if name in _MAKERS:
        return _MAKERS[name](settings, now)
    return _installed(name, settings)


def _module(name: str) -> str:
    return f"workers.inspection.parsers.{name}"


def _parser(name: str) -> Parser:
    # This imports no library that parses a format: only the fork server imports those.
    return cast("Parser", importlib.import_module(_module(name)))


def _parser_check(name: str, sandbox: Sandbox) -> Check:
    parser = _parser(name)
    # A missing library stops the worker's start. Else it would fail the first object of that format.
    for package in sorted({each.partition(".")[0] for each in parser.MODULES}):
        if importlib.util.find_spec(package) is None:
            raise Misconfigured(f"the Python package {package} is not installed")
    return ParserCheck(name, _module(name), parser, sandbox)


def _installed(name: str, settings: Settings) -> Check:
    offers = importlib.metadata.entry_points(group=GROUP)
    if name not in offers.names:
        raise Misconfigured(f"unknown check; the known ones are {', '.join((*_MAKERS, *PARSERS, *offers.names))}")
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


_MAKERS: Mapping[str, Callable[[Settings, Clock], Check]] = {
    size.NAME: lambda *_: size.SizeCheck(),
    checksum.NAME: lambda *_: checksum.ChecksumCheck(),
    media_type.NAME: lambda *_: media_type.MediaTypeCheck(),
    yara.NAME: lambda settings, _: yara.YaraCheck(compile_rules(settings.yara_rules)),
    clamd.NAME: _clamd,
}
