"""Poison messages of each kind. Each maker stores an object where it needs one, and returns the body of the message."""

import secrets
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from airlock import keys, upload_id
from airlock.events import ObjectCreated, notification
from airlock.profiles import Profiles
from bench.pipeline.deployment import OWNER, BenchDeployment

MISSING_QUEUE = "airlock-missing"
"""A queue that the profile `unpublishable` notifies, and that does not exist."""
# The pixels take four bytes each: more than the 128 MiB that the bench allows a parser's process.
SIDE = 7000
# Bytes of compressed pixels, so that the object is as large as a good one. The process ends before it reads them.
ROWS = 10 * 1024


def add_profiles(path: Path) -> None:
    """Add two profiles to the file: `unpublishable` cannot publish events, `parsed` has images parsed."""
    profiles = Profiles.load(path.read_text(), "json")
    plain = profiles.profiles["default"]
    unpublishable = plain.model_copy(update={"notify": (f"sqs:{MISSING_QUEUE}",)})
    parsed = plain.model_copy(update={"checks": (*plain.checks, "image"), "notify": ()})
    more = {**profiles.profiles, "unpublishable": unpublishable, "parsed": parsed}
    path.write_text(profiles.model_copy(update={"profiles": more}).to_json())


async def not_json(deployment: BenchDeployment) -> str:  # noqa: ARG001 # every maker has it
    return '{"Records": ['


async def foreign_bucket(deployment: BenchDeployment) -> str:  # noqa: ARG001 # every maker has it
    return notification(ObjectCreated("another-bucket", "in/" + secrets.token_hex(30), "v1", "0" * 32, 1, ""))


async def not_our_key(deployment: BenchDeployment) -> str:
    return await _stored(deployment, f"{deployment.settings.incoming_prefix}/readme.txt")


async def not_our_metadata(deployment: BenchDeployment) -> str:
    secret = deployment.settings.secrets[0].get_secret_value().encode()
    upload = upload_id.mint(secrets.token_bytes(8), int(time.time()), 900, OWNER, [secret])
    return await _stored(deployment, keys.incoming(deployment.settings.incoming_prefix, upload.text))


async def kills_its_parser(deployment: BenchDeployment) -> str:
    rows = zlib.compress(secrets.token_bytes(ROWS))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts]
    await deployment.put([("large.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"".join(chunks))], "parsed")
    return (await deployment.take_messages(1))[0]


async def fails_each_time(deployment: BenchDeployment) -> str:
    await deployment.put([("photo.txt", "text/plain", b"Its event cannot be published.\n" * 340)], "unpublishable")
    return (await deployment.take_messages(1))[0]


async def _stored(deployment: BenchDeployment, key: str) -> str:
    await deployment.clients.s3.put_object(Bucket=deployment.settings.incoming_bucket, Key=key, Body=b"not an upload")
    return (await deployment.take_messages(1))[0]


Maker = Callable[[BenchDeployment], Awaitable[str]]
KINDS: Mapping[str, Maker] = {
    "not-json": not_json,
    "foreign-bucket": foreign_bucket,
    "not-our-key": not_our_key,
    "not-our-metadata": not_our_metadata,
    "kills-its-parser": kills_its_parser,
    "fails-each-time": fails_each_time,
}
