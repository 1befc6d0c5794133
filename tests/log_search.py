"""Searches all that our programs log while the tests run: no secret may be in it.

What is searched: the records of `logging` and the access log's lines of what runs in the tests' process, and what the
programs that tests start write (of `ops`, which may print a token for its user, standard error alone). What is found
fails the run: the test that ran then is named, and the kind of secret, never the secret.

With xdist each process searches what was logged in it, and the first one tells.
"""

import asyncio
import asyncio.subprocess
import logging
import os
import re
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import pytest
from pythonjsonlogger.orjson import OrjsonFormatter

PATTERNS: Mapping[str, re.Pattern[bytes]] = {
    # '{"expiration":' in base64, with and without a space behind it.
    "a policy": re.compile(rb"eyJleHBpcmF0aW9uIjo"),
    "a signature": re.compile(rb"(?i)signature[\"']?\s*(?:[=:]|%3D)\s*[\"']?[0-9a-f]{32}"),
    "an Authorization header": re.compile(rb"(?i)\b(?:bearer|basic)\s+[a-z0-9._~+/=-]{8}|AWS4-HMAC-SHA256 Credential="),
    "a JWT": re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\."),
    "a session token": re.compile(rb"airlock_session_[\w-]{8}"),
}
VARIABLES = {
    "AWS_SECRET_ACCESS_KEY": "an AWS secret key",
    "AWS_SESSION_TOKEN": "an AWS session token",
    "AIRLOCK_SECRETS": "a secret of the settings",
}
OURS = ("airlock", "aws", "ops", "service", "workers")
LOUD = {"aiohttp.server": logging.CRITICAL, "aiobotocore": logging.WARNING}
"""From which level on the programs log what these libraries tell: service/logs.py says why."""
SHORTEST = 16
"""Shorter texts, and those of few different characters, stand in logs by chance."""

Found = tuple[str, str]


class Summary(NamedTuple):
    """What was searched in one process, and what was found: test and kind."""

    lines: int
    size: int
    secrets: int
    found: list[Found]


class Stream:
    """What one program wrote to one place, and which test ran meanwhile."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._starts: list[int] = []
        self._tests: list[str] = []

    def write(self, test: str, data: bytes) -> None:
        if not self._tests or self._tests[-1] != test:
            self._starts.append(len(self.data))
            self._tests.append(test)
        self.data += data

    def test_at(self, offset: int) -> str:
        return self._tests[bisect_right(self._starts, offset) - 1]


class LogSearch(logging.Handler):
    """The plugin: it listens everywhere from the start, and searches at the end."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(OrjsonFormatter("{levelname}{name}{message}", style="{"))
        self.test = "the collection of tests"
        self.secrets: dict[bytes, str] = {}
        self.logged = Stream()
        self.children: list[tuple[dict[int, Stream], set[int]]] = []
        self.files: dict[Path, str] = {}
        self._heard: WeakKeyDictionary[Any, dict[int, Stream]] = WeakKeyDictionary()
        self.elsewhere: list[Summary] = []

    # --- listening ---

    def emit(self, record: logging.LogRecord) -> None:
        quiet = any(record.name.startswith(name) and record.levelno < level for name, level in LOUD.items())
        if not quiet:
            self.logged.write(self.test, self.format(record).encode(errors="replace") + b"\n")

    def knows(self, value: object, kind: str) -> None:
        """From now on `value` may not be in any log."""
        text = value.encode(errors="replace") if isinstance(value, str) else b""
        if len(text) >= SHORTEST and len(set(text)) > 4:
            self.secrets[text] = kind

    def knows_environment(self, environment: Mapping[str, str]) -> None:
        for name, kind in VARIABLES.items():
            for value in re.split(r"[\[\]\s,\"]+", environment.get(name, "")):
                self.knows(value, kind)

    def started(self, command: tuple[Any, ...], options: Mapping[str, Any], protocol: Any = None) -> None:
        """A child process was started: listen to it, where it is one of ours."""
        self.knows_environment(options.get("env") or os.environ)
        words = [str(word) for word in command]
        module = words[words.index("-m") + 1].partition(".")[0] if "-m" in words[:-1] else ""
        if module not in OURS:
            return
        watched = {2} if module == "ops" else {1, 2}
        if protocol is not None:
            self.children.append((self._heard.setdefault(protocol, {}), watched))
        for descriptor in watched:
            name = getattr(options.get({1: "stdout", 2: "stderr"}[descriptor]), "name", None)
            if isinstance(name, str):
                self.files[Path(name)] = self.test

    def heard(self, protocol: Any, descriptor: int, data: bytes) -> None:
        self._heard.setdefault(protocol, {}).setdefault(descriptor, Stream()).write(self.test, data)

    def printed(self, data: bytes) -> None:
        """A program of ours printed this, and the test has it from elsewhere than a pipe or a file of its own."""
        self.logged.write(self.test, data)

    # --- searching ---

    def streams(self) -> Iterator[Stream]:
        yield self.logged
        for heard, watched in self.children:
            yield from (stream for descriptor, stream in heard.items() if descriptor in watched)
        for path, test in self.files.items():
            if path.is_file():
                stream = Stream()
                stream.write(test, path.read_bytes())
                yield stream

    def search(self) -> Summary:
        """Search everything that was heard in this process."""
        self.knows_environment(os.environ)
        lines, size, found = 0, 0, set()
        for stream in self.streams():
            data = bytes(stream.data)
            lines, size = lines + data.count(b"\n"), size + len(data)
            for kind, pattern in PATTERNS.items():
                found |= {(stream.test_at(match.start()), kind) for match in pattern.finditer(data)}
            for secret, kind in self.secrets.items():
                if (at := data.find(secret)) >= 0:
                    found.add((stream.test_at(at), kind))
        return Summary(lines, size, len(self.secrets), sorted(found))

    # --- what pytest calls ---

    def pytest_collection_finish(self) -> None:
        logging.getLogger().addHandler(self)
        for name in OURS:
            logging.getLogger(name).setLevel(logging.INFO)
        _listen_to_access_logs(self)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.test = item.nodeid
        # A test of how the programs set up their logging may have put it away.
        if self not in (root := logging.getLogger()).handlers:
            root.addHandler(self)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", {}).get("log_search")
        if output:
            self.elsewhere.append(Summary(*output))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        here = self.search()
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output["log_search"] = [*here[:3], [list(each) for each in here.found]]
            return
        self.elsewhere.append(here)
        if any(each.found for each in self.elsewhere):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        lines, size = sum(each.lines for each in self.elsewhere), sum(each.size for each in self.elsewhere)
        secrets = sum(each.secrets for each in self.elsewhere)
        found = [f"{kind} was logged during {test}" for each in self.elsewhere for test, kind in each.found]
        for line in found:
            terminalreporter.write_line(f"FAILED {line}", red=True)
        verdict = f"{len(found)} found" if found else "nothing found"
        terminalreporter.write_line(
            f"searched {lines} lines ({size} bytes) of logs for {secrets} secrets and every token: {verdict}"
        )


_RUNNING: list[LogSearch] = []


def printed(data: bytes) -> None:
    """Search this too."""
    for plugin in _RUNNING:
        plugin.printed(data)


def pytest_configure(config: pytest.Config) -> None:
    plugin = LogSearch()
    _RUNNING.append(plugin)
    config.pluginmanager.register(plugin, "log_search_listener")
    _listen_to_children(plugin)
    _learn_secrets(plugin)


def _listen_to_children(plugin: LogSearch) -> None:
    received = asyncio.subprocess.SubprocessStreamProtocol.pipe_data_received

    def pipe_data_received(self: Any, fd: int, data: bytes | str) -> None:
        plugin.heard(self, fd, data if isinstance(data, bytes) else data.encode())
        received(self, fd, data)

    start = asyncio.create_subprocess_exec

    @wraps(start)
    async def create_subprocess_exec(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*command, **options)
        plugin.started(command, options, process._protocol)  # type: ignore[attr-defined]
        return process

    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, args: Any, *more: Any, **options: Any) -> None:
            super().__init__(args, *more, **options)
            if not isinstance(args, str | bytes | os.PathLike):
                plugin.started(tuple(args), options)

    asyncio.subprocess.SubprocessStreamProtocol.pipe_data_received = pipe_data_received  # type: ignore[method-assign]
    asyncio.create_subprocess_exec = create_subprocess_exec
    subprocess.Popen = Popen  # type: ignore[misc]


def _learn_secrets(plugin: LogSearch) -> None:
    """Whatever the settings keep from sight, the keys that sign, and the tokens that tests send."""
    from aiohttp import ClientSession
    from pydantic import SecretStr

    from airlock.policy import Credentials

    _after(SecretStr, "__init__", lambda secret: plugin.knows(secret.get_secret_value(), "a secret of the settings"))
    _after(Credentials, "__init__", lambda keys: plugin.knows(keys.secret_access_key, "an AWS secret key"))
    _after(Credentials, "__init__", lambda keys: plugin.knows(keys.session_token, "an AWS session token"))
    request = ClientSession._request

    async def learned(self: Any, *arguments: Any, headers: Any = None, **options: Any) -> Any:
        for name, value in dict(headers or {}).items():
            scheme, _, token = str(value).partition(" ")
            if name.lower() == "authorization" and scheme.lower() == "bearer":
                plugin.knows(token.strip(), "a bearer token")
        return await request(self, *arguments, headers=headers, **options)

    ClientSession._request = learned  # type: ignore[method-assign]


def _after(owner: type, name: str, act: Callable[[Any], None]) -> None:
    """Do `act` with each new object of a class, once it is made."""
    made = getattr(owner, name)

    @wraps(made)
    def extended(self: Any, *arguments: Any, **options: Any) -> None:
        made(self, *arguments, **options)
        act(self)

    setattr(owner, name, extended)


def _listen_to_access_logs(plugin: LogSearch) -> None:
    """Tests give each service a list for its lines; here they are seen on their way."""
    server = sys.modules.get("service.server")
    if server is None:
        return
    made = server.access_log

    def access_log(write: Callable[[bytes], object], *more: Any) -> Any:
        def both(line: bytes) -> object:
            plugin.logged.write(plugin.test, line)
            return write(line)

        return made(both, *more)

    server.access_log = access_log  # type: ignore[attr-defined]
