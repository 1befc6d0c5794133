"""What the examination of one object or member comes to: every reading was examined, and nothing contradicts. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from airlock.content_rules import allowed_by, type_that_runs
from airlock.format import OCTET_STREAM
from airlock.formats import format_of
from airlock.media_types import EXTENSIONS, extension
from airlock.profile import Profile
from airlock.verdict import ExaminedReading, Finding, Outcome
from workers.inspection.checks.agreement import Agreement, Objection, agree, second_reading_objections
from workers.inspection.checks.port import Report, Subject
from workers.inspection.readings import Reading

MEDIA_TYPE = "media_type"
"""The check by which a profile asks that an object is what it is declared and named as."""

_OUTCOMES = {"reject": Outcome.REJECTED, "unscannable": Outcome.UNSCANNABLE, "note": Outcome.ACCEPTED}


def profile_finding(profile: Profile, check: str, code: str, message: str) -> Finding:
    """A finding with the outcome that its code amounts to in the profile."""
    return Finding(code=code, check=check, outcome=_OUTCOMES[profile.amount(code)], message=message)


def conclude(
    subject: Subject,
    readings: Sequence[Reading],
    examined: Mapping[str, tuple[str, ...]],
    findings: Sequence[Finding],
    opinion: str = "",
) -> Report:
    """The report on an object or member.

    `examined` has the examiners of each media type that was examined, `findings` what they found, and `opinion` what
    the model takes the bytes for, where they have no known format.
    """
    profile = subject.profile
    if not readings and findings:  # a limit was reached before the bytes were identified
        return Report(tuple(findings))
    readings = readings or [Reading(OCTET_STREAM)]
    kept, objections = _agreement(subject, readings)
    found = [*findings, *(profile_finding(profile, MEDIA_TYPE, *each) for each in objections)]
    found += _not_examined(profile, readings, examined, found, opinion)
    evidence = (
        ExaminedReading(media_type=each.media_type, examined_by=examined.get(each.media_type, ())) for each in readings
    )
    return Report(tuple(found), media_type=kept, readings=tuple(evidence))


def _agreement(subject: Subject, readings: Sequence[Reading]) -> Agreement:
    if subject.path:
        return Agreement(readings[0].media_type, tuple(_member_objections(subject, readings)))
    if MEDIA_TYPE in subject.profile.checks:
        return agree(readings, subject.intent.content_type, subject.intent.filename, subject.profile)
    return Agreement(readings[0].media_type, ())


def _member_objections(subject: Subject, readings: Sequence[Reading]) -> Iterator[Objection]:
    yield from second_reading_objections(readings)
    profile, media_type, runs = subject.profile, readings[0].media_type, type_that_runs(subject.name)
    named = EXTENSIONS.get(extension(subject.name), OCTET_STREAM)
    if runs is not None and not profile.takes_member(named):
        yield Objection("member_not_allowed", f"Its name ends in {runs}, which systems, browsers or servers run.")
    elif not profile.takes_member(media_type) and not allowed_by(profile.unexamined, media_type):
        shown = "of no known format" if media_type == OCTET_STREAM else media_type
        yield Objection("member_not_allowed", f"It is {shown}, which is not among the profile's member types.")


def _not_examined(
    profile: Profile,
    readings: Sequence[Reading],
    examined: Mapping[str, tuple[str, ...]],
    found: Sequence[Finding],
    opinion: str,
) -> Iterator[Finding]:
    """The finding for each reading that nobody examined, where no finding of its examiner says why."""
    explained = {each.check for each in found if each.outcome is not Outcome.ACCEPTED}
    for reading in readings:
        examiner = format_of(reading.media_type).examiner
        if reading.media_type in examined or profile.leaves_unexamined(reading.media_type) or examiner in explained:
            continue
        yield profile_finding(profile, "worker", "not_examined", _message(reading.media_type, examiner, opinion))


def _message(media_type: str, examiner: str | None, opinion: str) -> str:
    if media_type == OCTET_STREAM:
        guess = f" The model magika takes them for: {opinion}." if opinion else ""
        return f"The bytes are of no known format, so no check examined them.{guess}"
    if examiner is None:
        return f"The bytes are {media_type}, which no check examines."
    return f"The bytes are {media_type}; the check {examiner}, which examines it, is not in the profile."
