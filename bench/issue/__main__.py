"""How much of one core a policy costs: `python -m bench.issue`.

Servers in turn, each alone on one core under uvloop, driven by wrk from another core over 32 connections:
a bare aiohttp handler that parses the same JSON and returns the same bytes; `POST /v1/uploads` of our service in
production mode, with its log written to a file; and an aiohttp handler that calls aiobotocore's
`generate_presigned_post`. Our service is asked with a static token, with one token of an OpenID provider, and with the
tokens of 1,000 users of the provider in turn, and so is the bare handler: to receive and to parse the kilobyte of such
a token costs it something too. Each round measures all; the ratios are medians over the rounds.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench import policy_service, report
from bench.issue import provider
from bench.issue.provider import Provider
from bench.policy_service import AWS, TOKEN
from bench.process import cpu_seconds, running

USERS = 1000
BODY = orjson.dumps({"filename": "holiday picture.png", "content_type": "image/png", "size": 123456})
NAMES = {
    "bare": "(a) bare aiohttp handler, a static token",
    "bare oidc": "(a1) the same, OIDC",
    "bare users": f"(a2) the same, OIDC, {USERS:,} users",
    "airlock": "(b) POST /v1/uploads, a static token",
    "botocore": "(c) aiobotocore generate_presigned_post",
    "oidc": "(d) POST /v1/uploads, OIDC",
    "users": f"(e) POST /v1/uploads, OIDC, {USERS:,} users",
}
# Which bare handler gets the same requests.
BASES = {"oidc": "bare oidc", "users": "bare users"}


@dataclass(frozen=True)
class Load:
    """What is asked of which process."""

    port: int
    pid: int
    script: Path


@dataclass(frozen=True)
class Sample:
    """One round of one server: requests a second, and CPU time in microseconds a request."""

    rate: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each server in each round")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is needed, a load generator that costs less than what it measures: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        samples = _measure(Path(folder), stack, options.rounds, options.seconds)
    _report(samples)


def _measure(folder: Path, stack: ExitStack, rounds: int, seconds: int) -> dict[str, list[Sample]]:
    cores = os.sched_getaffinity(0)
    core = min(cores)
    os.sched_setaffinity(0, {max(cores)})
    loads = _loads(folder, stack, core)
    samples: dict[str, list[Sample]] = {name: [] for name in NAMES}
    for _ in range(rounds + 1):
        for name in NAMES:
            samples[name].append(_sample(loads[name], seconds))
    return {name: taken[1:] for name, taken in samples.items()}


def _loads(folder: Path, stack: ExitStack, core: int) -> dict[str, Load]:
    openid, port, static = stack.enter_context(provider.serving()), _free_port(), _script(folder, [TOKEN])
    service = running(["-m", "service"], _service(folder, port, openid), core=core, log=folder / "log")
    pid = stack.enter_context(service).pid
    answer = _first_answer(port, TOKEN)
    users = [openid.token(number) for number in range(USERS)]
    _first_answer(port, users[0])
    scripts = {"oidc": _script(folder, users[:1]), "users": _script(folder, users)}
    loads = {"airlock": Load(port, pid, static)} | {name: Load(port, pid, script) for name, script in scripts.items()}
    (folder / "answer").write_bytes(answer)
    for name in ("bare", "botocore"):
        port = _free_port()
        environment = {**AWS, "BENCH_PORT": str(port), "BENCH_READY": str(folder / name)}
        environment |= {"BENCH_ANSWER": str(folder / "answer"), "BENCH_FIELDS": _own_fields(answer)}
        baseline = running(["-m", "bench.issue.servers", name], environment, core=core)
        loads[name] = Load(port, stack.enter_context(baseline).pid, static)
        _first_answer(port, TOKEN)
    bare = loads["bare"]
    return loads | {BASES[name]: Load(bare.port, bare.pid, script) for name, script in scripts.items()}


def _script(folder: Path, tokens: list[str]) -> Path:
    """What wrk sends (https://github.com/wg/wrk, SCRIPTING): requests that are made once, with each token in turn."""
    script = folder / f"{tokens[0][-16:]}-{len(tokens)}.lua"
    listed = ",".join(f'"{token}"' for token in tokens)
    script.write_text(f"""
        local requests, number = {{}}, 0
        function init()
            for place, token in ipairs({{{listed}}}) do
                local headers = {{["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token}}
                requests[place] = wrk.format("POST", nil, headers, [[{BODY.decode()}]])
            end
        end
        function request()
            number = number % #requests + 1
            return requests[number]
        end
    """)
    return script


def _sample(load: Load, seconds: int) -> Sample:
    before = cpu_seconds(load.pid)
    url = f"http://127.0.0.1:{load.port}/v1/uploads"
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(load.script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(load.pid) - before
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    answers = int(re.findall(r"(\d+) requests in", said)[0])
    return Sample(float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]), spent / answers * 1e6)


def _own_fields(answer: bytes) -> str:
    """Our form's fields but those that botocore adds by itself."""
    fields: dict[str, str] = orjson.loads(answer)["upload"]["fields"]
    added = {"key", "policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"}
    return orjson.dumps({name: value for name, value in fields.items() if name not in added}).decode()


def _service(folder: Path, port: int, openid: Provider) -> dict[str, str]:
    trusted = {"AIRLOCK_OIDC_ISSUER": openid.issuer, "AIRLOCK_OIDC_AUDIENCE": provider.AUDIENCE}
    return {**policy_service.environment(folder, port), **trusted}


def _first_answer(port: int, token: str) -> bytes:
    """Our own policy, once the server answers: the bytes that the bare handler will return."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/uploads", BODY, headers)
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _report(samples: dict[str, list[Sample]]) -> None:
    rates = {name: statistics.median(sample.rate for sample in taken) for name, taken in samples.items()}
    costs = {name: statistics.median(sample.cpu for sample in taken) for name, taken in samples.items()}
    rows = []
    for name, taken in samples.items():
        spread = f"{min(s.rate for s in taken):,.0f} to {max(s.rate for s in taken):,.0f}"
        same = f"{_ratio(samples, name, BASES.get(name, 'bare')):.2f}"
        rows.append((NAMES[name], f"{rates[name]:,.0f}", spread, f"{costs[name]:,.0f}", same))
    bounds = [
        report.Bound("requests a second, (b) of (a)", _ratio(samples, "airlock", "bare"), least=0.5),
        report.Bound("requests a second, (d) of (a1)", _ratio(samples, "oidc", "bare oidc"), least=0.45),
        report.Bound("requests a second, (e) of (a2)", _ratio(samples, "users", "bare users"), least=0.45),
        report.Bound("requests a second, (b) of (c)", _ratio(samples, "airlock", "botocore"), least=2.5),
        report.Bound("CPU time a request, (a) of (b)", costs["bare"] / costs["airlock"], least=0.5),
        report.Bound("CPU time a request, (a1) of (d)", costs["bare oidc"] / costs["oidc"], least=0.45),
    ]
    columns = ("server, on one core", "requests/s", "min to max", "CPU µs a request", "of the bare handler")
    report.show("A policy's cost", columns, rows, bounds)
    drawn = report.draw("issue", "Policies a second on one core", "requests/s", [(NAMES[n], rates[n]) for n in NAMES])
    print(f"  drawn: {drawn}")


def _ratio(samples: dict[str, list[Sample]], name: str, base: str) -> float:
    return statistics.median(a.rate / b.rate for a, b in zip(samples[name], samples[base], strict=True))


if __name__ == "__main__":
    main()
