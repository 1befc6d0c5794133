"""Each type of each shipped profile: a good file gets in, and it does not when something else is put into it."""

from pathlib import Path

import pytest

from airlock.content.formats import format_of
from airlock.profile import Profile
from airlock.profiles import Profiles
from airlock.verdict import Outcome, Verdict
from tests.workers.inspection.checks.samples import zipped
from tests.workers.inspection.corpus.by_type import sample
from tests.workers.inspection.corpus.sample_inspector import Sample, SampleInspector

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHIPPED = Profiles.load((Path(__file__).parents[4] / "airlock.toml").read_text("utf-8")).profiles
TYPES = [(name, media_type) for name, profile in SHIPPED.items() for media_type in profile.content_types]
# Each type once, in the first profile that names it.
ONCE = {media_type: SHIPPED[name] for name, media_type in reversed(TYPES)}
PROGRAM = zipped({"setup.exe": b"MZ" + bytes(100)})


async def _inspect(inspector: SampleInspector, profile: Profile, given: Sample, body: bytes) -> Verdict:
    rules = profile.model_dump()
    changed = Sample(given.filename, given.content_type, body)
    return await inspector.inspect(changed, **{key: rules[key] for key in RULES})


RULES = (
    "content_types",
    "member_types",
    "unexamined",
    "findings",
    "checks",
    "limits",
    "max_bytes",
    "above_engine_limit",
)


@pytest.mark.parametrize(("name", "media_type"), TYPES)
async def test_a_good_file_of_each_type_is_accepted(inspector: SampleInspector, name: str, media_type: str) -> None:
    given = sample(media_type)
    verdict = await _inspect(inspector, SHIPPED[name], given, given.body)
    assert (verdict.outcome, [each.code for each in verdict.findings]) == (Outcome.ACCEPTED, [])
    assert verdict.media_type == media_type
    assert [(each.media_type, len(each.examined_by)) for each in verdict.readings] == [(media_type, 1)]


@pytest.mark.parametrize("media_type", ONCE)
async def test_a_program_in_an_archive_behind_a_good_file_keeps_it_out(
    inspector: SampleInspector, media_type: str
) -> None:
    given = sample(media_type)
    verdict = await _inspect(inspector, ONCE[media_type], given, given.body + PROGRAM)
    assert verdict.outcome is not Outcome.ACCEPTED


PREFIXES = {
    "zeros": bytes(16),
    "junk": b"\x01\x02\x03\x04",
    "HTML": b"<html><script>alert(1)</script>",
    "program": b"MZ" + bytes(99),
}
SUFFIXES = {"HTML": b"<html><script>alert(1)</script></html>", "zeros": bytes(64), "PHP": b"<?php system($_GET[0]);?>"}


@pytest.mark.parametrize("media_type", ONCE)
async def test_nothing_is_accepted_with_a_reading_that_nobody_examined(
    inspector: SampleInspector, media_type: str
) -> None:
    given, profile = sample(media_type), ONCE[media_type]
    changed = [prefix + given.body for prefix in PREFIXES.values()] + [
        given.body + suffix for suffix in SUFFIXES.values()
    ]
    for body in changed:
        verdict = await _inspect(inspector, profile, given, body)
        unexamined = [each.media_type for each in verdict.readings if not each.examined_by]
        assert verdict.outcome is not Outcome.ACCEPTED or not unexamined
        if body.startswith(PREFIXES["junk"]) and format_of(media_type).family not in ("text", "message"):
            assert verdict.outcome is not Outcome.ACCEPTED
