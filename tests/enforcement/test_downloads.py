"""What browsers are given: accepted bytes are saved under a harmless name, and never shown, whatever they are."""

import hashlib

import pytest
from aiohttp.multipart import content_disposition_filename, parse_content_disposition
from yarl import URL

from airlock.lifecycle import State
from aws.dynamodb.records import Location
from aws.s3.objects import Objects, Pinned
from tests.enforcement.server import REGION, Server, Who
from tests.service.uploads.test_handlers import VERDICT, record

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]

BODY = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
TYPES = ("image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "text/javascript", "application/pdf")
# As they come, and as a browser is to save them.
NAMES = {
    "drawing.svg": "drawing.svg",
    'say "hello".svg': 'say "hello".svg',
    "a;b, c='d' & e+f.svg": "a;b, c='d' & e+f.svg",
    "100%41 sure.svg": "100%41 sure.svg",
    "a\r\nContent-Disposition: inline": "a__Content-Disposition: inline",
    '"; filename=evil.html; x="': '"; filename=evil.html; x="',
    "../../etc/passwd": ".._.._etc_passwd",
    "..\\..\\autoexec.bat": ".._.._autoexec.bat",
    "\u202egvs.exe": "_gvs.exe",
    "\u65e5\u672c\u8a9e \u0440\u0443\u0441\u0441\u043a\u0438\u0439 \U0001f600.svg": (
        "\u65e5\u672c\u8a9e \u0440\u0443\u0441\u0441\u043a\u0438\u0439 \U0001f600.svg"
    ),
    "x" * 251 + ".svg": "x" * 251 + ".svg",
    "\u00e9" * 170: "\u00e9" * 170,
}


async def accept(server: Server, name: str, kind: str) -> str:
    """An upload that was accepted as the worker does it; its id."""
    form = await server.issue(Who(), BODY, filename="page.html")
    assert await server.send(form) == (204, "")
    (stored,) = [version for version in await server.versions() if version.key == form.key]
    source = Pinned(stored.bucket, stored.key, stored.version_id, stored.etag, len(BODY))
    upload = form.key.rpartition("/")[2]
    copied = await Objects(server.s3).promote(
        source, server.other, upload, content_type=kind, content_disposition="attachment"
    )
    told = record(
        upload,
        State.ACCEPTED,
        filename=name,
        place="accepted",
        location=Location(server.other, upload, copied.version_id),
        verdict=VERDICT.model_copy(update={"media_type": kind, "sha256": hashlib.sha256(BODY).hexdigest()}),
    )
    server.services[REGION].records.put(told)
    return upload


async def followed(server: Server, upload: str) -> tuple[dict[str, str], list[str]]:
    """The headers to which the service leads, and all dispositions among them."""
    lent = await server.services[REGION].ask("GET", f"/v1/uploads/{upload}/content")
    assert lent.status == 302
    async with server.http.get(URL(lent.headers["Location"], encoded=True)) as response:
        assert (response.status, await response.read()) == (200, BODY)
        return dict(response.headers), response.headers.getall("Content-Disposition")


@pytest.mark.parametrize("kind", TYPES)
async def test_what_could_run_is_saved_and_keeps_its_type(server: Server, kind: str) -> None:
    headers, dispositions = await followed(server, await accept(server, "drawing.svg", kind))
    assert headers["Content-Type"] == kind
    assert [parse_content_disposition(each)[0] for each in dispositions] == ["attachment"]


async def test_every_name_is_one_attachment(server: Server) -> None:
    for name, saved in NAMES.items():
        _, (disposition,) = await followed(server, await accept(server, name, "image/svg+xml"))
        kind, parameters = parse_content_disposition(disposition)
        assert kind == "attachment"
        # ministack gives what the object was stored with, where a version is named: an attachment without a name.
        assert content_disposition_filename(parameters) == (saved if server.name == "ceph" else None)


async def test_without_the_links_headers_it_is_still_an_attachment(server: Server) -> None:
    """Whoever may read the bucket by another link, or behind a CDN, is given the object's own headers."""
    upload = await accept(server, "drawing.svg", "text/html")
    link = await server.s3.generate_presigned_url("get_object", Params={"Bucket": server.other, "Key": upload})
    async with server.http.get(URL(link, encoded=True)) as response:
        assert response.headers["Content-Disposition"] == "attachment"
