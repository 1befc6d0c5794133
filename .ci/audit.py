"""`make audit`: are there known holes in what constraints.txt pins, and is what runs what is pinned?

Asks the advisory service that pip-audit knows; with AIRLOCK_ADVISORIES, a folder of OSV documents, that alone.

Exit codes: 0 all was audited and nothing found; 1 something was found; 3 nothing found, but not all could be audited.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import advisories
from runtime_packages import PODS, ROOT, licence, of_pod, pins

FINE, FOUND, NOT_AUDITED = 0, 1, 3


def main() -> int:
    """Print what was found; returns the exit code."""
    problems = [*_inconsistent(), *_unpinned()]
    for problem in problems:
        print(f"FOUND: {problem}")
    folder = os.environ.get("AIRLOCK_ADVISORIES")
    code = _by_snapshot(Path(folder)) if folder else _by_service()
    return FOUND if problems else code


def _inconsistent() -> list[str]:
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    return check.stdout.splitlines() if check.returncode else []


def _unpinned() -> list[str]:
    """What the pods run that is not what constraints.txt says. Lists what they run, with its licence."""
    pinned = pins()
    runs = {name: found for pod in PODS for name, found in of_pod(pod).items()}
    print("The pods run:")
    for name, found in sorted(runs.items()):
        print(f"  {name} {found.version}: {licence(found)}")
    wrong = [(name, found.version) for name, found in sorted(runs.items()) if pinned.get(name) != found.version]
    return [f"{name} {version} is installed, constraints.txt says {pinned.get(name)}" for name, version in wrong]


def _by_snapshot(folder: Path) -> int:
    snapshot = advisories.read(folder)
    if not snapshot.advisories:
        return _not_audited(f"there is no advisory in {folder}")
    holes = list(advisories.matching(pins(), snapshot))
    for name, version, advisory in holes:
        print(f"FOUND: {name} {version} has a known hole: {advisory}")
    print(f"Audited {len(pins())} pins by {len(snapshot.advisories)} advisories; the newest is of {snapshot.newest}.")
    return FOUND if holes else FINE


def _by_service() -> int:
    options = [
        "-r",
        str(ROOT / "constraints.txt"),
        "--no-deps",
        "--disable-pip",
        "--progress-spinner=off",
        "-f",
        "json",
    ]
    asked = subprocess.run([sys.executable, "-m", "pip_audit", *options], capture_output=True, text=True, check=False)
    try:
        answers = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _not_audited((asked.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1])
    holes = [(each, hole["id"]) for each in answers for hole in each.get("vulns", ())]
    for each, hole in holes:
        print(f"FOUND: {each['name']} {each['version']} has a known hole: {hole}")
    # It passes what its service has never heard of: where there is none behind the address, that is everything.
    skipped = [each["name"] for each in answers if "skip_reason" in each]
    if holes:
        return FOUND
    if skipped or not answers:
        return _not_audited(
            f"{len(skipped)} of {len(answers)} packages are unknown there ({', '.join(skipped[:5])}, …)"
        )
    print(f"Audited {len(answers)} pins.")
    return FINE


def _not_audited(reason: str) -> int:
    print(
        "NOT AUDITED: no advisory service answered for every pin; "
        f"AIRLOCK_ADVISORIES=folder of OSV documents audits without one. {reason}"
    )
    return NOT_AUDITED


if __name__ == "__main__":
    sys.exit(main())
