"""`make notices`: writes THIRD_PARTY.md, the Python packages of each image with their licences."""

from importlib.metadata import Distribution
from pathlib import Path

from runtime_packages import PODS, ROOT, licence, of_pod

IMAGES = (*PODS, "ops")
TEXTS = Path(__file__).parent / "licences"
"""Texts that a package asks to be passed on, and does not bring along itself."""

# https://spdx.org/licenses/, for packages that say it in other words.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "CC0": "CC0-1.0",
    "LGPL-2.1+": "LGPL-2.1-or-later",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "PSFL": "PSF-2.0",
}
# Where the metadata leave open which licence it is, as the package's own text says.
BY_NAME = {
    "google-re2": "BSD-3-Clause",
    "olefile": "BSD-2-Clause",
    "pycryptodomex": "BSD-2-Clause AND Unlicense",
    "python-dateutil": "Apache-2.0 AND BSD-3-Clause",
    "tinycss2": "BSD-3-Clause",
    "webencodings": "BSD-3-Clause",
    "yara-x": "BSD-3-Clause",
}
HEAD = """\
# Third-party packages

The Python packages in the images `airlock-service`, `airlock-workers` and `airlock-ops`. Written by `make notices`, and
held to constraints.txt by a test. In an image the text of a package's licence is the file or folder named here, below
`/opt/airlock/lib/python3.*/site-packages/`. Packages with libraries in C or Rust have those libraries' licences there.

| package | version | licence | images | text |
| --- | --- | --- | --- | --- |
"""


def main() -> None:
    """Write the page, for the packages that are installed here."""
    (ROOT / "THIRD_PARTY.md").write_text(page(), "utf-8")


def page() -> str:
    """The whole page."""
    images = {image: of_pod(image) for image in IMAGES}
    packages = {name: found for runs in images.values() for name, found in runs.items()}
    rows = [
        row(found, [image for image in IMAGES if name in images[image]]) for name, found in sorted(packages.items())
    ]
    texts = "".join(
        f"\n## {path.stem}\n\n```\n{path.read_text('utf-8').strip()}\n```\n" for path in sorted(TEXTS.iterdir())
    )
    return HEAD + "".join(rows) + texts


def row(found: Distribution, images: list[str]) -> str:
    """One line of the table. Raises LookupError for a licence that is not known."""
    name = found.metadata["Name"]
    return f"| {name} | {found.version} | {spdx(found)} | {', '.join(images)} | {text(found)} |\n"


def spdx(found: Distribution) -> str:
    """The licence as an SPDX expression. Raises LookupError, with the name, where none is known."""
    name, stated = found.metadata["Name"], licence(found)
    known = BY_NAME.get(name) or SPDX.get(stated, stated)
    if known == "unknown" or " License" in known:
        raise LookupError(f"{name}: {stated}")
    return known


def text(found: Distribution) -> str:
    """Where the licence's text is. Raises LookupError, with the name, where it is nowhere."""
    files = sorted(str(file) for file in found.files or () if file.name.lower().startswith(("licen", "copying")))
    if files:
        return f"`{files[0] if len(files) == 1 else Path(files[0]).parent}`"
    name = found.metadata["Name"]
    if (TEXTS / f"{name}.txt").is_file():
        return f"[below](#{name})"
    if spdx(found) == "Apache-2.0":
        return "[LICENSE](LICENSE)"
    raise LookupError(f"{name} brings no licence: put its text into {TEXTS / name}.txt")


if __name__ == "__main__":
    main()
