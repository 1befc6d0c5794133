"""What the service signs, S3 enforces: every deviation from a policy is refused, and nothing of it is stored.

Two servers of different origin are asked. The forged signature comes first: a server that took it would prove nothing
by the others.
"""

import pytest

from tests.deployment import forged
from tests.enforcement.hostile.catalogue import GROUPS
from tests.enforcement.judge import judge
from tests.enforcement.server import Server, Who

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="session")]


async def test_a_forged_signature_is_refused(server: Server) -> None:
    form = await server.issue(Who(), b"x" * 10, filename="page.html")
    forgery = form.altered("x-amz-signature", forged(form.fields)["x-amz-signature"])
    before = await server.versions()
    assert (await server.send(forgery))[0] == 403
    assert await server.versions() == before


async def test_a_form_as_it_was_issued_is_stored_under_its_key(server: Server) -> None:
    form = await server.issue(Who(), b"x" * 10, filename="page.html")
    assert await server.send(form) == (204, "")
    assert [version.bucket for version in await server.versions() if version.key == form.key] == [server.incoming]


@pytest.mark.without_coverage
@pytest.mark.parametrize("group", GROUPS)
async def test_every_deviation_is_refused(server: Server, group: str) -> None:
    assert await judge(server, GROUPS[group]()) == []
