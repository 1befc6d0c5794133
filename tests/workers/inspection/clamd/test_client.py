"""The client and the check against a real clamd, and against servers that behave as badly as one can."""

import asyncio
import contextlib
import io
import socket
import struct
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airlock.errors import Unavailable
from airlock.verdict import Outcome
from tests.workers.harness import EICAR
from tests.workers.inspection.clamd.daemon import FILE_MAX, STREAM_MAX, Daemon, free_port, running
from tests.workers.inspection.subjects import codes, scan, subject
from workers.inspection.checks.port import Report, Scan
from workers.inspection.clamd.check import LARGEST, ClamdCheck, MaxAge
from workers.inspection.clamd.client import Address, ClamdClient
from workers.inspection.spool import Spool

Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MIB = 1024**2


@pytest.fixture(params=["unix", "tcp"])
def real(clamd: Daemon, request: pytest.FixtureRequest) -> ClamdCheck:
    return ClamdCheck(ClamdClient(Address.parse(getattr(clamd, request.param))))


async def test_a_real_clamd_finds_eicar_and_gives_its_version(real: ClamdCheck) -> None:
    infected = await scan(real, EICAR)
    clean = await scan(real, b"nothing bad")
    nothing = await scan(real, b"")
    assert [(each.code, each.outcome) for each in infected.findings] == [("clamd_match", Outcome.INFECTED)]
    assert "Eicar-Test-Signature" in infected.findings[0].message
    assert clean.findings == nothing.findings == ()
    assert infected.engine is not None
    assert infected.engine.name == "clamav"
    assert infected.engine == await real.ready()


async def test_a_real_clamd_reads_in_many_chunks(real: ClamdCheck) -> None:
    body = bytes(FILE_MAX // 2) + EICAR
    assert codes(await scan(real, body, chunk=1000)) == ["clamd_match"]


async def test_what_is_above_its_limits_is_unscannable(real: ClamdCheck) -> None:
    above_stream = await scan(real, bytes(STREAM_MAX + MIB))
    above_file = await scan(real, bytes(FILE_MAX + 4096))
    for report in (above_stream, above_file):
        assert [(each.code, each.outcome) for each in report.findings] == [("limits_exceeded", Outcome.UNSCANNABLE)]


async def test_what_is_far_above_the_stream_limit_is_unscannable_each_time(real: ClamdCheck) -> None:
    reports = [await scan(real, bytes(24 * MIB), chunk=256 * 1024) for _ in range(5)]
    assert [codes(report) for report in reports] == [["limits_exceeded"]] * 5


async def test_an_encrypted_archive_is_unscannable(real: ClamdCheck) -> None:
    report = await scan(real, _encrypted_zip())
    assert [(each.code, each.outcome) for each in report.findings] == [("encrypted", Outcome.UNSCANNABLE)]


async def test_more_scans_than_connections_all_come_to_an_end(clamd: Daemon) -> None:
    check = ClamdCheck(ClamdClient(Address.parse(clamd.unix), connections=2))
    reports = await asyncio.gather(*(scan(check, EICAR) for _ in range(12)))
    assert [codes(report) for report in reports] == [["clamd_match"]] * 12


async def test_what_is_larger_than_any_clamd_scans_is_not_sent() -> None:
    check = ClamdCheck(ClamdClient(Address(path="/nowhere")))
    scanning = check.begin(subject(LARGEST + 1))
    await scanning.feed(b"x")
    report = await scanning.finish()
    await scanning.close()
    assert [(each.code, each.outcome) for each in report.findings] == [("above_engine_limit", Outcome.UNSCANNABLE)]
    assert (report.engine, report.missing) == (None, ())


async def test_where_the_profile_accepts_it_the_report_names_the_missing_engine() -> None:
    about = subject(LARGEST + 1)
    about = replace(about, profile=about.profile.model_copy(update={"above_engine_limit": "accept"}))
    report = await ClamdCheck(ClamdClient(Address(path="/nowhere"))).begin(about).finish()
    assert (report.findings, report.missing) == ((), ("clamd",))


@pytest.mark.parametrize(
    "address", ["unix:///nowhere/clamd.sock", "tcp://127.0.0.1:{port}", "tcp://nowhere.invalid:3310"]
)
async def test_a_clamd_that_is_not_there_is_unavailable(address: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        check = ClamdCheck(ClamdClient(Address.parse(address.format(port=bound.getsockname()[1]))))
        with pytest.raises(Unavailable, match="clamd"):
            await scan(check, b"x")
        with pytest.raises(Unavailable, match="clamd"):
            await check.ready()


@contextlib.asynccontextmanager
async def fake_clamd(serve: Server, **options: float) -> AsyncIterator[ClamdClient]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield ClamdClient(Address("127.0.0.1", port), seconds=options.get("seconds", 20))


async def _whole_stream(reader: asyncio.StreamReader) -> bytes:
    """The bytes of one INSTREAM, or b"VERSION"."""
    command = await reader.readuntil(b"\0")
    if command == b"zVERSION\0":
        return b"VERSION"
    assert command == b"zINSTREAM\0"
    body = b""
    while length := struct.unpack(">I", await reader.readexactly(4))[0]:
        body += await reader.readexactly(length)
    return body


def _answers(text: bytes) -> Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _whole_stream(reader)
        writer.write(b"ClamAV 1.4.6/27800/Sun Nov 15 09:26:11 2026\0" if asked == b"VERSION" else text)
        await writer.drain()

    return serve


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"stream: OK\0", None),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", "clamd_match"),
        (b"stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0", "limits_exceeded"),
        (b"stream: Heuristics.Encrypted.PDF FOUND\0", "encrypted"),
        (b"INSTREAM size limit exceeded. ERROR\0", "limits_exceeded"),
    ],
)
async def test_each_answer_has_its_finding(answer: bytes, code: str | None) -> None:
    async with fake_clamd(_answers(answer)) as clamd:
        report = await scan(ClamdCheck(clamd), b"x" * 100_000)
    assert codes(report) == ([code] if code else [])
    assert report.engine is not None
    assert report.engine.version == "1.4.6/27800"
    assert report.engine.signatures_at == datetime(2026, 11, 15, 9, 26, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"stream: OK",
        b"stream: Can't allocate memory ERROR\0",
        b"UNKNOWN COMMAND\0",
        b"stream: NOT OK\0",
        b"\0",
        b"\xff\xfe\0",
        b"stream: " + b"x" * 9000,
        b"COMMAND READ TIMED OUT\0",
    ],
)
async def test_any_other_answer_is_no_verdict(answer: bytes) -> None:
    async with fake_clamd(_answers(answer)) as clamd:
        with pytest.raises(Unavailable, match="clamd"):
            await scan(ClamdCheck(clamd), b"x")


async def test_an_answer_while_we_still_send_is_read_and_ends_the_sending() -> None:
    taken = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        if await reader.readuntil(b"\0") == b"zVERSION\0":
            writer.write(b"ClamAV 1.4.6\0")
            return
        taken = len(await reader.readexactly(1000))
        writer.write(b"INSTREAM size limit exceeded. ERROR\0")
        await writer.drain()

    async with fake_clamd(serve) as clamd:
        report = await scan(ClamdCheck(clamd), bytes(30 * MIB))
    assert codes(report) == ["limits_exceeded"]
    assert taken == 1000


async def test_an_answer_without_a_close_and_without_reading_on_is_enough() -> None:
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readuntil(b"\0") == b"zVERSION\0":
            writer.write(b"ClamAV 1.4.6\0")
            return
        writer.write(b"stream: Bad FOUND\0")
        await done.wait()

    async with fake_clamd(serve) as clamd:
        report = await scan(ClamdCheck(clamd), bytes(30 * MIB))
        done.set()
    assert codes(report) == ["clamd_match"]


@pytest.mark.parametrize("size", [1, 30 * MIB])
async def test_a_connection_that_closes_early_is_unavailable(size: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)

    async with fake_clamd(serve) as clamd:
        with pytest.raises(Unavailable, match="clamd"):
            await scan(ClamdCheck(clamd), bytes(size))


@pytest.mark.parametrize("size", [1, 30 * MIB])
async def test_a_clamd_that_neither_reads_nor_answers_is_unavailable(size: int) -> None:
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()

    async with fake_clamd(serve, seconds=0.05) as clamd:
        with pytest.raises(Unavailable, match=r"did not read or answer for 0\.05 s"):
            await scan(ClamdCheck(clamd), bytes(size))
        done.set()


async def test_the_version_is_asked_for_once_a_minute() -> None:
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\0"))
        writer.write(b"ClamAV 1.4.6\0")
        await writer.drain()

    async with fake_clamd(serve) as clamd:
        engines = [await clamd.engine() for _ in range(3)]
    assert len(asked) == 1
    assert (engines[0].version, engines[0].signatures_at) == ("1.4.6 (signatures without a date)", None)


async def test_a_server_that_is_no_clamd_has_no_version() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\0")

    async with fake_clamd(serve) as clamd:
        with pytest.raises(Unavailable, match="its answer to VERSION is not ClamAV's"):
            await clamd.version()


@pytest.mark.parametrize(
    "text", ["", "clamd:3310", "tcp://host", "unix://relative", "http://host:1", "unix://host/path"]
)
def test_an_address_is_one_of_two_forms(text: str) -> None:
    with pytest.raises(ValueError, match="tcp://HOST:PORT or unix:///PATH"):
        Address.parse(text)


def test_addresses() -> None:
    assert Address.parse("tcp://[::1]:3310") == Address("::1", 3310)
    assert Address.parse("unix:///run/clamd.sock") == Address(path="/run/clamd.sock")


def _encrypted_zip() -> bytes:
    """A stored entry whose flag says that it is encrypted, which is all that clamd needs to know."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("secret.txt", b"not really encrypted, but nobody can know" * 4)
    body = bytearray(target.getvalue())
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    return bytes(body)


async def test_a_path_that_is_no_socket_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be reached"):
        await ClamdClient(Address(path=str(tmp_path / "file"))).version()


async def _copied(check: ClamdCheck, body: bytes, *, fed: bool = True) -> Report:
    """The report on an object of which there is a copy."""
    with Spool(in_memory=64 * 1024) as copy:
        await copy.write(body)
        scanning = check.begin(replace(subject(len(body)), copy=copy))
        try:
            if fed and body:
                await scanning.feed(body)
            return await scanning.finish()
        finally:
            await scanning.close()


@pytest.mark.parametrize("padding", [0, 200_000])
async def test_a_copy_in_memory_or_on_disk_is_handed_over(clamd: Daemon, padding: int) -> None:
    check = ClamdCheck(ClamdClient(Address.parse(clamd.unix)))
    infected = await _copied(check, bytes(padding) + EICAR, fed=False)
    clean = await _copied(check, b"nothing bad" + bytes(padding), fed=False)
    nothing = await _copied(check, b"", fed=False)
    large = await _copied(check, bytes(FILE_MAX + 4096))
    encrypted = await _copied(check, _encrypted_zip())
    assert [codes(each) for each in (infected, clean, nothing, large, encrypted)] == [
        *(["clamd_match"], [], [], ["limits_exceeded"], ["encrypted"])
    ]
    assert infected.engine == await check.ready()


async def test_a_copy_is_streamed_over_tcp_and_where_descriptors_are_turned_off(clamd: Daemon) -> None:
    far = ClamdCheck(ClamdClient(Address.parse(clamd.tcp)))
    asked_not_to = ClamdCheck(ClamdClient(Address.parse(clamd.unix)), descriptors=False)
    for check in (far, asked_not_to):
        assert codes(await _copied(check, EICAR)) == ["clamd_match"]
        assert codes(await _copied(check, EICAR, fed=False)) == []


async def test_a_copy_that_clamd_refuses_is_streamed(tmp_path: Path) -> None:
    streamed = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = await reader.readuntil(b"\0")
        if command == b"zFILDES\0":
            writer.write(b"No file descriptor received. ERROR\0")
        elif command == b"zINSTREAM\0":
            while length := struct.unpack(">I", await reader.readexactly(4))[0]:
                streamed.append(await reader.readexactly(length))
            writer.write(b"stream: Bad FOUND\0")
        else:
            writer.write(b"ClamAV 1.4.6\0")
        await writer.drain()
        writer.close()

    path = str(tmp_path / "sock")
    async with await asyncio.start_unix_server(serve, path):
        report = await _copied(ClamdCheck(ClamdClient(Address(path=path))), bytes(600_000))
    assert codes(report) == ["clamd_match"]
    assert b"".join(streamed) == bytes(600_000)


async def test_a_server_that_refuses_descriptors_and_streams_is_unavailable(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            asked = await reader.readuntil(b"\0")
            writer.write(b"ClamAV 1.4.6\0" if asked == b"zVERSION\0" else b"UNKNOWN COMMAND\0")
            await writer.drain()
        writer.close()

    path = str(tmp_path / "sock")
    server = await asyncio.start_unix_server(serve, path)
    async with server:
        with pytest.raises(Unavailable, match="clamd"):
            await _copied(ClamdCheck(ClamdClient(Address(path=path))), b"x")


async def test_more_bytes_than_were_announced_do_not_pass_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.inspection.clamd.check.LARGEST", 1000)
    async with fake_clamd(_answers(b"stream: OK\0")) as clamd:
        check = ClamdCheck(clamd)
        scanning = check.begin(subject(10))
        await scanning.feed(bytes(1000))
        await scanning.feed(b"x")
        report = await scanning.finish()
        await scanning.close()
    assert codes(report) == ["above_engine_limit"]


async def test_a_finished_scan_holds_no_connection_that_a_member_may_wait_for(clamd: Daemon) -> None:
    check = ClamdCheck(ClamdClient(Address.parse(clamd.unix), connections=1))
    outer = check.begin(subject(3))
    await outer.feed(b"abc")
    await outer.finish()
    assert codes(await scan(check, EICAR)) == ["clamd_match"]
    await outer.close()


SIGNED_AT = datetime(2026, 11, 15, 9, 26, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "age", "version"),
    [
        (7, timedelta(), "1.4.6/27800 (0 days old)"),
        (7, timedelta(hours=-5), "1.4.6/27800 (0 days old)"),
        (7, timedelta(days=7), "1.4.6/27800 (7 days old)"),
        (0, timedelta(days=400), "1.4.6/27800 (400 days old)"),
    ],
)
async def test_definitions_that_are_new_enough_are_named_with_their_age(
    days: int, age: timedelta, version: str
) -> None:
    async with fake_clamd(_answers(b"stream: OK\0")) as clamd:
        check = ClamdCheck(clamd, MaxAge(days, (SIGNED_AT + age).timestamp))
        ready, report = await check.ready(), await scan(check, b"x")
    assert report.engine == ready
    assert (ready.version, ready.signatures_at) == (version, SIGNED_AT)


@pytest.mark.parametrize("answer", [b"stream: OK\0", b"stream: Bad FOUND\0"])
async def test_definitions_that_are_too_old_give_no_verdict_and_are_not_ready(answer: bytes) -> None:
    async with fake_clamd(_answers(answer)) as clamd:
        check = ClamdCheck(clamd, MaxAge(7, (SIGNED_AT + timedelta(days=7, seconds=1)).timestamp))
        for asking in (check.ready(), scan(check, b"x"), scan(check, b"")):
            with pytest.raises(Unavailable, match="its definitions are 7 days old; AIRLOCK_CLAMD_MAX_AGE is 7"):
                await asking


async def test_definitions_without_a_date_have_no_age(clamd: Daemon) -> None:
    check = ClamdCheck(ClamdClient(Address.parse(clamd.unix)), MaxAge(1, lambda: 4e9))
    engine = await check.ready()
    assert engine.version.endswith(" (signatures without a date)")


async def test_a_date_that_cannot_be_read_is_unavailable() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"ClamAV 1.4.6/27800/soon\0")

    async with fake_clamd(serve) as clamd:
        with pytest.raises(Unavailable, match="the date of its signatures cannot be read: 'soon'"):
            await clamd.version()


async def test_a_clamd_killed_in_mid_stream_has_no_verdict_until_one_is_there_again() -> None:
    port = free_port()
    check = ClamdCheck(ClamdClient(Address("127.0.0.1", port)))
    body = bytes(1000) + EICAR
    async with running(port):
        scanning = check.begin(subject(len(body)))
        await scanning.feed(body[:500])
    with pytest.raises(Unavailable, match="clamd"):
        await _rest(scanning, body[500:])
    with pytest.raises(Unavailable, match="clamd"):
        await check.ready()
    with pytest.raises(Unavailable, match="clamd"):
        await scan(check, body)
    async with running(port):
        assert codes(await scan(check, body)) == ["clamd_match"]
        assert codes(await scan(check, b"clean")) == []


async def _rest(scanning: Scan, body: bytes) -> Report:
    try:
        await scanning.feed(body)
        return await scanning.finish()
    finally:
        await scanning.close()


async def test_a_scan_after_an_invalid_answer_works() -> None:
    answers = [b"\x16\x03\x01\x02\0", b"stream: Bad FOUND\0"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _whole_stream(reader)
        writer.write(b"ClamAV 1.4.6\0" if asked == b"VERSION" else answers.pop(0))
        await writer.drain()

    async with fake_clamd(serve) as clamd:
        check = ClamdCheck(clamd)
        with pytest.raises(Unavailable, match="clamd"):
            await scan(check, b"x")
        assert codes(await scan(check, b"x")) == ["clamd_match"]
