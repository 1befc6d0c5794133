"""Rules compiled in a process of their own: the compiler keeps the interpreter's lock, a second for 4,000 rules.

The child writes a 4-byte big-endian length and that many bytes of JSON, `{"version": …}` or `{"problems": …}`, and then
the rules as `yara_x` serializes them.
"""

import asyncio
import io
import json
import os
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import yara_x

from airlock.errors import Unavailable
from workers.inspection.yara.rule_set import BadRules, RuleSet, compile_rules, engine, folder_state

LENGTH = struct.Struct(">I")
SECONDS = 600.0


async def recompile(folder: Path) -> RuleSet:
    """As `compile_rules`; raises BadRules, OSError, or Unavailable("yara") when the process gave no answer."""
    state = await asyncio.to_thread(folder_state, folder)
    answer = await _output_of_child(folder)
    end = LENGTH.size + int.from_bytes(answer[: LENGTH.size], "big")
    if len(answer) < LENGTH.size or len(answer) < end:
        raise Unavailable("yara", "the compiling process gave no answer")
    told: dict[str, str] = json.loads(answer[LENGTH.size : end])
    if "problems" in told:
        raise BadRules(told["problems"])
    rules = yara_x.Rules.deserialize_from(io.BytesIO(answer[end:]))
    return RuleSet(rules, engine(told["version"]), folder, state)


async def _output_of_child(folder: Path) -> bytes:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workers.inspection.yara.compiler", str(folder)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,  # a Ctrl-C in the terminal is the worker's to handle
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await child.communicate()
    except TimeoutError as error:
        raise Unavailable("yara", f"the rules did not compile within {SECONDS:g} s") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return output


def write(folder: Path, target: BinaryIO) -> None:
    """The child's part."""
    rules = io.BytesIO()
    try:
        compiled = compile_rules(folder)
        compiled.rules.serialize_into(rules)
        told = {"version": compiled.engine.version}
    except BadRules as error:
        told = {"problems": str(error)}
    line = json.dumps(told).encode("ascii")
    target.write(LENGTH.pack(len(line)) + line + rules.getvalue())
    target.flush()


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.stdout.buffer)
