"""Which libraries a parser needs is known where its process is forked from: they are imported once for all objects."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers.inspection.corpus.good import GOOD
from workers.inspection.catalogue import PARSERS

pytestmark = pytest.mark.server

PROGRAM = """
import contextlib, importlib, sys
from pathlib import Path
from workers.inspection.sandbox.fork_server import load

class Output:
    def finding(self, *_): ...
    @contextlib.contextmanager
    def member(self, _):
        yield len

module = "workers.inspection.parsers." + sys.argv[1]
parser = importlib.import_module(module)
load([module, *parser.MODULES])
before = set(sys.modules)
for path in Path(sys.argv[2]).iterdir():
    with path.open("rb") as file:
        parser.examine(file, path.stat().st_size, parser.DEFAULTS, Output())
new = {each for each in set(sys.modules) - before if each.partition(".")[0] not in sys.stdlib_module_names}
print(len(list(Path("/proc/self/task").iterdir())), sorted(new))
"""


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_imports_no_further_module_when_it_reads_a_good_file(name: str, tmp_path: Path) -> None:
    for key, sample in GOOD.items():
        (tmp_path / key).write_bytes(sample.body)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, name, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    # One thread: none can be forked safely beside another.
    assert done.stdout.strip() == "1 []"
