"""magika, a model that guesses what bytes are that have no known format. It is loaded by the first call."""

import asyncio
import functools
import importlib.metadata
import os
from typing import TYPE_CHECKING

from airlock.verdict import Engine

if TYPE_CHECKING:
    from magika import Magika

# onnxruntime reports to its vendor, and keeps a device id and a database in the home folder, unless this is set before
# it is first imported, by magika or by an installed check. disable_telemetry_events(), which magika calls, is too late.
# See docs/security.md, "Whom it speaks to".
os.putenv("ORT_DISABLE_TELEMETRY", "1")

# The model reads the first and the last 4 KiB (its block_size) and nothing between.
BLOCK = 4096


async def classify(head: bytes, tail: bytes) -> str:
    """What the model takes bytes for, in a few words, by their first and last 4 KiB.

    An object of 4 KiB or less is all in `head`. The model advises: nothing is refused or accepted for its opinion.

    Takes about 6 ms in a thread, which releases the interpreter's lock for most of that time.
    """
    return await asyncio.to_thread(_classify, head + tail)


@functools.cache
def engine() -> Engine:
    """The package's version and the model's name."""
    return Engine(name="magika", version=f"{importlib.metadata.version('magika')} ({_model().get_model_name()})")


@functools.cache
def _model() -> "Magika":
    import onnxruntime  # type: ignore[import-untyped]
    from magika import Magika

    class OneThread(Magika):
        """magika without its pool of threads, which spin after each call: 35 ms of CPU time instead of 6."""

        def _init_onnx_session(self) -> onnxruntime.InferenceSession:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            return onnxruntime.InferenceSession(self._model_path, options, providers=["CPUExecutionProvider"])

    return OneThread()


def _classify(sample: bytes) -> str:
    return str(_model().identify_bytes(sample).output.description)
