"""A mixed set of files as people upload them, and what each costs: photos, PDFs, documents, texts, zips, a few videos.

`python -m bench.inspect.mixed` inspects the set alone, without clamd, and prints the medians of several rounds. It uses
nothing that an older version of the product has not, so that a copy of it measures the version before.
"""

import argparse
import asyncio
import io
import os
import random
import statistics
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pikepdf
from PIL import Image

from airlock.intent import Intent
from airlock.profile import Profile
from airlock.profiles import Profiles
from workers.inspection import catalogue
from workers.inspection.checks.port import Subject
from workers.inspection.inspector import Inspector
from workers.settings import Settings

ROOT = Path(__file__).parents[2]
AT_ONCE = 4
OOXML = "application/vnd.openxmlformats-officedocument."
# Of a hundred files.
SHARES = {"photo": 40, "screenshot": 10, "pdf": 18, "document": 14, "text": 10, "zip": 6, "video": 2}
WORDS = (
    "minutes",
    "of",
    "the",
    "meeting",
    "on",
    "Monday",
    "we",
    "agreed",
    "to",
    "send",
    "the",
    "invoice",
    "photo",
    "all",
)


class File(NamedTuple):
    """A file as its uploader names and declares it."""

    name: str
    media_type: str
    body: bytes


def files(count: int, seed: int = 1) -> list[File]:
    """`count` files in the proportions of SHARES; of each kind some ten different ones, which repeat."""
    source = random.Random(seed)
    makers = dict(zip(SHARES, (_photo, _screenshot, _pdf, _document, _text, _zip, _video), strict=True))
    kinds = [kind for kind, share in SHARES.items() for _ in range(share)]
    made = {kind: [makers[kind](source) for _ in range(10)] for kind in SHARES}
    source.shuffle(kinds)
    return [source.choice(made[kinds[number % len(kinds)]]) for number in range(count)]


def _photo(source: random.Random) -> File:
    """Twelve megapixels, as a phone takes them: large shapes, some noise."""
    small = Image.frombytes("RGB", (80, 60), source.randbytes(80 * 60 * 3))
    held = io.BytesIO()
    small.resize((4000, 3000), Image.Resampling.BICUBIC).save(held, "JPEG", quality=88)
    return File("IMG_0001.jpg", "image/jpeg", held.getvalue())


def _screenshot(source: random.Random) -> File:
    image = Image.new("RGB", (1920, 1080), (250, 250, 250))
    for _ in range(200):
        at = (source.randrange(1800), source.randrange(1000))
        image.paste(tuple(source.randbytes(3)), (*at, at[0] + source.randrange(120), at[1] + source.randrange(60)))
    held = io.BytesIO()
    image.save(held, "PNG")
    return File("screenshot.png", "image/png", held.getvalue())


def _sentence(source: random.Random, words: int) -> str:
    return " ".join(source.choice(WORDS) for _ in range(words))


def _pdf(source: random.Random) -> File:
    with pikepdf.new() as document:
        for _ in range(6):
            page = document.add_blank_page()
            lines = "\n".join(f"({_sentence(source, 12)}) Tj T*" for _ in range(40))
            page.Contents = document.make_stream(f"BT /F1 11 Tf 14 TL 50 780 Td {lines} ET".encode())
        held = io.BytesIO()
        document.save(held)
    return File("letter.pdf", "application/pdf", held.getvalue())


def _document(source: random.Random) -> File:
    paragraphs = "".join(f"<w:p><w:r><w:t>{_sentence(source, 40)}</w:t></w:r></w:p>" for _ in range(200))
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    main = f"<w:document xmlns:w='{namespace}'><w:body>{paragraphs}</w:body></w:document>"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _CONTENT_TYPES)
        archive.writestr("_rels/.rels", _RELATIONSHIPS)
        archive.writestr("word/document.xml", main)
    return File("report.docx", f"{OOXML}wordprocessingml.document", held.getvalue())


_CONTENT_TYPES = f"""<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/word/document.xml" ContentType="{OOXML}wordprocessingml.document.main+xml"/></Types>"""
_RELATIONSHIPS = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"
Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>
</Relationships>"""


def _text(source: random.Random) -> File:
    rows = "".join(f"{source.randrange(10**6)},{_sentence(source, 3)},{source.random():.4f}\n" for _ in range(2000))
    return File("table.csv", "text/csv", f"id,name,value\n{rows}".encode())


def _zip(source: random.Random) -> File:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in (_screenshot(source), _pdf(source), _document(source), _text(source)):
            archive.writestr(each.name, each.body)
    return File("files.zip", "application/zip", held.getvalue())


def _video(source: random.Random) -> File:
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        video(Path(file.name), 8 * 1024**2, source.randrange(1000))
        return File("clip.mp4", "video/mp4", Path(file.name).read_bytes())


def video(path: Path, size: int, seed: int = 1) -> Path:
    """An MP4 of a little more than `size` bytes at `path`: one second of noise, again and again."""
    import av

    source = random.Random(seed)
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.bit_rate = 1280, 720, 40_000_000
        images = [Image.frombytes("RGB", (1280, 720), source.randbytes(1280 * 720 * 3)) for _ in range(3)]
        packets = []
        for image in images:
            packets += stream.encode(av.VideoFrame.from_image(image))  # type: ignore[no-untyped-call]
        packets += stream.encode(None)
        written, number = 0, 0
        while written < size:
            kept = packets[number % len(packets)]
            packet = av.Packet(bytes(kept))
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = number
            packet.is_keyframe = kept.is_keyframe
            container.mux(packet)
            written, number = written + packet.size, number + 1
    return path


def _profile() -> Profile:
    """The default profile, which takes all of the set and leaves clamd out."""
    shipped = Profiles.load((ROOT / "airlock.toml").read_text()).get("default")
    checks = tuple(name for name in shipped.checks if name != "clamd")
    return shipped.model_copy(update={"checks": checks, "content_types": (*shipped.content_types, "video/mp4")})


async def bench(settings: Settings, count: int, rounds: int = 3) -> None:
    """Print wall and CPU time a file, the medians of `rounds`."""
    profile, chosen = _profile(), files(count)
    profiles = Profiles(default_profile=profile.name, profiles={profile.name: profile})
    inspector = Inspector(dict(catalogue.build(profiles, settings, time.time)), time.time)
    try:
        outcomes = await _batch(inspector, profile, chosen[:20])
        samples = [await _sample(inspector, profile, chosen, outcomes) for _ in range(rounds)]
    finally:
        await inspector.close()
    wall, cpu = (statistics.median(values) / count * 1000 for values in zip(*samples, strict=True))
    mib = sum(len(each.body) for each in chosen) / 1024**2
    print(f"Mixed: {count} files, {mib:,.0f} MiB: {wall:.2f} ms and {cpu:.2f} ms of CPU a file; {dict(outcomes)}")


async def _sample(
    inspector: Inspector, profile: Profile, chosen: list[File], outcomes: Counter[str]
) -> tuple[float, float]:
    begin, used = time.monotonic(), _cpu()
    outcomes.update(await _batch(inspector, profile, chosen))
    return time.monotonic() - begin, _cpu() - used


def _cpu() -> float:
    """CPU seconds of this process and all below it."""
    own = os.times()
    return own.user + own.system + sum(_cpu_below(os.getpid()))


def _cpu_below(pid: int) -> Iterator[float]:
    """Those of running and of ended children, at any depth, by proc_pid_stat(5)."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        yield sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        yield from _cpu_below(int(child))


async def _batch(inspector: Inspector, profile: Profile, chosen: list[File]) -> Counter[str]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(file: File) -> str:
        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(file.body), 256 * 1024):
                yield file.body[start : start + 256 * 1024]

        async with slots:
            intent = Intent("bench", profile.name, file.name, file.media_type, len(file.body))
            verdict = await inspector.inspect(Subject(intent, profile, len(file.body), "etag"), chunks())
            if verdict.findings:
                print(file.name, [finding.code for finding in verdict.findings])
            return str(verdict.outcome)

    return Counter(await asyncio.gather(*(one(each) for each in chosen)))


def _settings() -> Settings:
    buckets = {f"{place}_bucket": place for place in ("incoming", "accepted", "quarantine")}
    return Settings(region="eu-central-1", secrets="s" * 32, **buckets)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(bench(_settings(), options.files, options.rounds))


if __name__ == "__main__":
    main()
