"""`make sbom`: what runs in each pod, as CycloneDX in build/sbom/<pod>.cdx.json, checked against its schema.

Arguments: another folder than build/sbom, then the pods.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import Distribution
from pathlib import Path

from runtime_packages import PODS, ROOT, of_pod


def main(folder: Path, pods: Iterable[str]) -> None:
    """Write one document for each of `pods` into `folder`. Raises CalledProcessError where the tool refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    for pod in pods:
        runs = of_pod(pod)
        _write(folder / f"{pod}.cdx.json", runs.values())
        print(f"{folder / pod}.cdx.json: {len(runs)} packages")


def _write(target: Path, runs: Iterable[Distribution]) -> None:
    """The tool lists all that an interpreter can import: here one that sees these packages and nothing else."""
    with tempfile.TemporaryDirectory() as seen:
        for found in runs:
            metadata = _metadata_folder(found)
            (Path(seen) / metadata.name).symlink_to(metadata)
        options = [
            "-S",
            "--pyproject",
            str(ROOT / "pyproject.toml"),
            "--output-reproducible",
            "--of",
            "JSON",
            "-o",
            str(target),
        ]
        subprocess.run(
            [sys.executable, "-m", "cyclonedx_py", "environment", *options, sys.executable],
            env={**os.environ, "PYTHONPATH": seen},
            check=True,
        )


def _metadata_folder(found: Distribution) -> Path:
    file = next(file for file in found.files or () if file.name == "METADATA")
    return Path(str(found.locate_file(file))).parent


if __name__ == "__main__":
    folder, *pods = sys.argv[1:] or [str(ROOT / "build" / "sbom")]
    main(Path(folder), pods or PODS)
