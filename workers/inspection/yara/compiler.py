"""Compiles rules in a process of its own: the compiler holds the interpreter's lock, for a second with 4,000 rules.

The process writes a 4-byte big-endian length, that many bytes of JSON (`{"version": …}` or `{"problems": …}`), and then
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

SECONDS = 600.0
LENGTH = struct.Struct(">I")


async def recompile(folder: Path) -> RuleSet:
    """As `compile_rules`. Raises BadRules, OSError, and Unavailable("yara") when the process gave no answer."""
    state = await asyncio.to_thread(folder_state, folder)
    answer = await _output_of_child(folder)
    end = LENGTH.size + int.from_bytes(answer[: LENGTH.size], "big")
    if len(answer) < LENGTH.size or len(answer) < end:
        raise Unavailable("yara", "the compiling process gave no answer")
    result: dict[str, str] = json.loads(answer[LENGTH.size : end])
    if "problems" in result:
        raise BadRules(result["problems"])
    rules = yara_x.Rules.deserialize_from(io.BytesIO(answer[end:]))
    return RuleSet(rules, engine(result["version"]), folder, state)


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
    """In the process: compile the rules of `folder` and the bundled ones, and write the answer."""
    rules = io.BytesIO()
    try:
        compiled = compile_rules(folder)
        compiled.rules.serialize_into(rules)
        result = {"version": compiled.engine.version}
    except BadRules as error:
        result = {"problems": str(error)}
    line = json.dumps(result).encode("ascii")
    target.write(LENGTH.pack(len(line)) + line + rules.getvalue())
    target.flush()


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.stdout.buffer)
