"""Messages that cannot be settled, of each kind. Each maker brings its object in and gives the message's body."""

import secrets
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from airlock import keys, upload_id
from airlock.events import ObjectCreated, notification
from airlock.profiles import Profiles
from bench.pipeline.place import OWNER, Place

AWAY = "airlock-away"
"""A queue that the profile `away` notifies, and that is not there."""
# Room for its pixels, four bytes each, is more than the 128 MiB that the bench leaves a parser's process.
SIDE = 7000
# As large as a good object. The process ends before it looks at them.
ROWS = 10 * 1024


def add_profiles(path: Path) -> None:
    """Two more profiles in that file: `away` can publish nothing, `parsed` gives pictures to a parser."""
    profiles = Profiles.load(path.read_text(), "json")
    plain = profiles.profiles["default"]
    away = plain.model_copy(update={"notify": (f"sqs:{AWAY}",)})
    parsed = plain.model_copy(update={"checks": (*plain.checks, "image"), "notify": ()})
    more = {**profiles.profiles, "away": away, "parsed": parsed}
    path.write_text(profiles.model_copy(update={"profiles": more}).to_json())


async def not_json(place: Place) -> str:  # noqa: ARG001 # a maker's
    return '{"Records": ['


async def foreign_bucket(place: Place) -> str:  # noqa: ARG001 # a maker's
    return notification(ObjectCreated("somebody-elses", "in/" + secrets.token_hex(30), "v1", "0" * 32, 1, ""))


async def not_our_key(place: Place) -> str:
    return await _stored(place, f"{place.settings.incoming_prefix}/readme.txt")


async def not_our_metadata(place: Place) -> str:
    secret = place.settings.secrets[0].get_secret_value().encode()
    upload = upload_id.mint(secrets.token_bytes(8), int(time.time()), 900, OWNER, [secret])
    return await _stored(place, keys.incoming(place.settings.incoming_prefix, upload.text))


async def kills_its_parser(place: Place) -> str:
    rows = zlib.compress(secrets.token_bytes(ROWS))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts]
    await place.put([("large.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"".join(chunks))], "parsed")
    return (await place.take_messages(1))[0]


async def fails_each_time(place: Place) -> str:
    await place.put([("photo.txt", "text/plain", b"What is told of it reaches nobody.\n" * 300)], "away")
    return (await place.take_messages(1))[0]


async def _stored(place: Place, key: str) -> str:
    await place.clients.s3.put_object(Bucket=place.settings.incoming_bucket, Key=key, Body=b"who wrote this?")
    return (await place.take_messages(1))[0]


Maker = Callable[[Place], Awaitable[str]]
KINDS: Mapping[str, Maker] = {
    "not-json": not_json,
    "foreign-bucket": foreign_bucket,
    "not-our-key": not_our_key,
    "not-our-metadata": not_our_metadata,
    "kills-its-parser": kills_its_parser,
    "fails-each-time": fails_each_time,
}
