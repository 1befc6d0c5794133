"""`python -m tests.fuzz [--seconds N] [target ...]`: each target under atheris, a coverage-guided fuzzer.

What it learns is kept in build/fuzz; an input that a target fails on is printed, kept there too, and makes this fail:
it belongs into tests/fuzz/seeds, where every run of the tests tries it.
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
    """Fuzz one target after the other; 1 when one failed, 2 where atheris is not installed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="fuzz the parsers, guided by coverage")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="all without any")
    chosen = parser.parse_args(arguments)
    if importlib.util.find_spec("atheris") is None:
        print("there is no atheris for this platform; `make test` tries the same targets without guidance")
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
    told = done.stdout.decode(errors="replace")
    runs = re.search(r"number_of_executed_units: (\d+)", told)
    print(f"{name}: {runs[1] if runs else 0} inputs, {'fine' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode:
        print(told)
        for found in sorted(KEPT.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)[-1:]:
            print(f"{found}: {found.read_bytes()!r}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
