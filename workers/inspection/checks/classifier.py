"""magika, a model that guesses the media type of bytes that no signature settles. It is loaded by the first call."""

import asyncio
import functools
import importlib.metadata
import importlib.util
import os
from typing import TYPE_CHECKING, NamedTuple

from airlock.media_types import OCTET_STREAM, canonical
from airlock.verdict import Engine

if TYPE_CHECKING:
    from magika import Magika

# onnxruntime reports to its vendor, and keeps a device id and a database in the home folder, unless this is set before
# it is first imported, by magika or by an installed check. disable_telemetry_events(), which magika calls, is too late.
# See docs/security.md, "Whom it speaks to".
os.putenv("ORT_DISABLE_TELEMETRY", "1")

# The model reads the first and the last 4 KiB (its block_size) and nothing between.
BLOCK = 4096

# Where magika's name of a type is not the registered one.
_NAMES = {
    "asp": "text/x-asp",
    "batch": "text/x-msdos-batch",
    "jsonl": "application/jsonl",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "undefined": OCTET_STREAM,
    "unknown": OCTET_STREAM,
}


class Classification(NamedTuple):
    """The media type that the model gives, and whether the bytes are text of any kind."""

    media_type: str
    text: bool


def installed() -> bool:
    """Whether the package is installed. Does not import it, which takes a third of a second."""
    return importlib.util.find_spec("magika") is not None


async def classify(head: bytes, tail: bytes) -> Classification:
    """Classify an object by its first and last 4 KiB. An object of 4 KiB or less is all in `head`.

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


def _classify(sample: bytes) -> Classification:
    output = _model().identify_bytes(sample).output
    name = _NAMES.get(str(output.label)) or output.mime_type or OCTET_STREAM
    return Classification(canonical(name), output.is_text)
