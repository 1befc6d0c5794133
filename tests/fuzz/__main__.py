"""`python -m tests.fuzz [--seconds N] [target ...]`: each target under atheris, a coverage-guided fuzzer.

Its corpus is kept in build/fuzz. An input on which a target fails is printed and kept there, and the exit code is 1:
copy the input to tests/fuzz/seeds, where every run of the tests uses it.
"""

import argparse
import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parent.parent.parent
SEEDS = Path(__file__).parent / "seeds"
KEPT = ROOT / "build" / "fuzz"


def main(arguments: Sequence[str]) -> int:
    """Fuzz the targets one after the other. The exit code: 1 when one failed, 2 where atheris is not installed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="fuzz the parsers, guided by coverage")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="all without any")
    chosen = parser.parse_args(arguments)
    if importlib.util.find_spec("atheris") is None:
        print(
            "atheris is not available for this platform; `make test` runs the same targets without guidance by coverage"
        )
        return 2
    results = [_fuzz(name, chosen.seconds) for name in chosen.targets or TARGETS]
    return 0 if all(results) else 1


def _fuzz(name: str, seconds: int) -> bool:
    corpus = KEPT / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={KEPT}/{name}-", "-print_final_stats=1", "-timeout=10"]
    options += [f"-dict={Path(__file__).parent}/words"]
    command = [sys.executable, "-m", "tests.fuzz.guided", name, *options, str(corpus), str(SEEDS / name)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    output = done.stdout.decode(errors="replace")
    runs = re.search(r"number_of_executed_units: (\d+)", output)
    print(f"{name}: {runs[1] if runs else 0} inputs, {'fine' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode:
        print(output)
        for found in sorted(KEPT.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)[-1:]:
            print(f"{found}: {found.read_bytes()!r}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
