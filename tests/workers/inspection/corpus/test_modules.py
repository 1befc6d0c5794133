"""Which libraries an examiner needs is known where its process is forked from: they are imported once for all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airlock.content.formats import EXAMINERS
from tests.workers.inspection.corpus.good import GOOD
from tests.workers.inspection.parsers.media_samples import good, media_type, subtitles
from workers.inspection.catalogue import IDENTIFICATION

FILES = {
    **{f"{key} {sample.content_type}": sample.body for key, sample in GOOD.items()},
    **{f"{key} {media_type(key)}": body for key, body in good().items() if "," not in key},
    "mkv-with-subtitles video/matroska": subtitles(),
}
pytestmark = pytest.mark.server

PROGRAM = """
import contextlib, importlib, sys
from pathlib import Path
from workers.inspection.sandbox.child import prepare

class Output:
    def finding(self, *_): ...
    @contextlib.contextmanager
    def member(self, _):
        yield len

module = "workers.inspection.parsers." + sys.argv[1]
examiner = importlib.import_module(module)
prepare([*sys.argv[3:], module, *examiner.MODULES])
from airlock.content.formats import format_of
from workers.inspection.identification.identify import identify
before = set(sys.modules)
for path in Path(sys.argv[2]).iterdir():
    with path.open("rb") as file:
        for reading in identify(file, path.stat().st_size, [path.name.partition(" ")[2].replace(" ", "/")]):
            if format_of(reading.media_type).examiner == sys.argv[1]:
                examiner.examine(file, path.stat().st_size, reading, examiner.DEFAULTS, Output())
new = {each for each in set(sys.modules) - before if each.partition(".")[0] not in sys.stdlib_module_names}
print(len(list(Path("/proc/self/task").iterdir())), sorted(new))
"""


@pytest.mark.parametrize("name", EXAMINERS)
def test_an_examiner_imports_no_further_module_when_it_reads_a_good_file(name: str, tmp_path: Path) -> None:
    for key, body in FILES.items():
        (tmp_path / key.replace("/", " ")).write_bytes(body)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, name, str(tmp_path), *IDENTIFICATION]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    # One thread: none can be forked safely beside another.
    assert done.stdout.strip() == "1 []"
