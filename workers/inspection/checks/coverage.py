"""What the examination of one object or member comes to: every reading was examined, and nothing contradicts. Pure."""

from collections.abc import Collection, Iterator, Sequence

from airlock.content.format import OCTET_STREAM
from airlock.content.formats import format_of
from airlock.content.rules import allowed_by, what_runs
from airlock.profile import Profile
from airlock.verdict import ExaminedReading, Finding, Outcome
from workers.inspection.checks.agreement import Agreement, Objection, agree, second_reading_objections, shown
from workers.inspection.checks.port import Report, Subject
from workers.inspection.readings import MEDIA_TYPE, Reading

_OUTCOMES = {"reject": Outcome.REJECTED, "unscannable": Outcome.UNSCANNABLE, "note": Outcome.ACCEPTED}


def profile_finding(profile: Profile, check: str, code: str, message: str) -> Finding:
    """A finding with the outcome that its code amounts to in the profile."""
    return Finding(code=code, check=check, outcome=_OUTCOMES[profile.amount(code)], message=message)


def conclude(
    subject: Subject,
    readings: Sequence[Reading],
    examined: Collection[str],
    findings: Sequence[Finding],
    opinion: str = "",
) -> Report:
    """The report on an object or member.

    `examined` has the media types that their examiners have examined, `findings` what these found, and `opinion` what
    the model takes the bytes for, where they have no known format.
    """
    profile = subject.profile
    if not readings and findings:  # a limit was reached before the bytes were identified
        return Report(tuple(findings))
    readings = readings or [Reading(OCTET_STREAM)]
    kept, objections = _agreement(subject, readings)
    found = [*findings, *(profile_finding(profile, MEDIA_TYPE, *each) for each in objections)]
    found += _not_examined(profile, readings, examined, found, opinion)
    return Report(tuple(found), media_type=kept, readings=tuple(_evidence(each, examined) for each in readings))


def _evidence(reading: Reading, examined: Collection[str]) -> ExaminedReading:
    examiner = format_of(reading.media_type).examiner if reading.media_type in examined else None
    return ExaminedReading(media_type=reading.media_type, examined_by=(examiner,) if examiner else ())


def _agreement(subject: Subject, readings: Sequence[Reading]) -> Agreement:
    if subject.path:
        return Agreement(readings[0].media_type, tuple(_member_objections(subject, readings)))
    if MEDIA_TYPE in subject.profile.checks:
        return agree(readings, subject.intent.content_type, subject.intent.filename, subject.profile)
    return Agreement(readings[0].media_type, ())


def _member_objections(subject: Subject, readings: Sequence[Reading]) -> Iterator[Objection]:
    yield from second_reading_objections(readings)
    profile, media_type, runs = subject.profile, readings[0].media_type, what_runs(subject.name)
    if runs is not None and not profile.takes_member(runs.media_type):
        yield Objection("member_not_allowed", f"Its name ends in {runs.shown}, which systems, browsers or servers run.")
    elif not profile.takes_member(media_type) and not allowed_by(profile.unexamined, media_type):
        message = f"It is {shown(media_type)}, which is not among the profile's member types."
        yield Objection("member_not_allowed", message)


def _not_examined(
    profile: Profile,
    readings: Sequence[Reading],
    examined: Collection[str],
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
        return f"The bytes are {shown(media_type)}, so no check examined them.{guess}"
    if examiner is None:
        return f"The bytes are {media_type}, which no check examines."
    return f"The bytes are {media_type}; the check {examiner}, which examines it, is not in the profile."
