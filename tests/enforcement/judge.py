"""Sends the cases to a server, and says in which of them it did not do what it must."""

import asyncio
import hashlib
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from airlock.intent import PREFIX
from tests.enforcement.form import Form
from tests.enforcement.hostile.case import STORED, Answer, Case, Given
from tests.enforcement.server import MAX, MIN, Server, Version

AT_ONCE = 8

# What one server lets pass, and why that proves nothing about us: the policy forbids it, and another server refuses it.
# All of it is stored exactly as the policy says, which is judged too.
EXEMPT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "ministack": {
            "the file first": "it reads fields behind the file, too",
            "the file in the middle": "as above",
            "the file before the signature": "as above",
            "a larger file before the file": "of two files it takes the last",
            "the older signature added": "it asks no condition for the fields of the older signature",
        },
        "ceph": {
            "a signature after white space": "it trims values",
            "a signature before white space": "as above",
            "the key begins with white space": "as above",
            "the key ends in white space": "as above",
            "the key ends in a line": "as above",
            "a larger file behind the file": "it takes nothing behind the file, which is as Amazon does",
            "a policy for another region": "it has but one region, whatever that is called",
            "bucket added": "it asks no condition for a field of that name, and does not use it",
            "the object's own address": "it takes the bucket from the path and leaves the rest",
        },
    }
)


class Sent(NamedTuple):
    """A case that was tried: the form as it was issued, as it was sent, and the answer."""

    case: Case
    honest: Form
    form: Form
    status: int
    code: str

    @property
    def files(self) -> set[str]:
        """The ETags that its files would have."""
        return {hashlib.md5(part.value).hexdigest() for part in self.form.parts if part.filename is not None}


async def judge(server: Server, cases: Iterable[Case]) -> list[str]:
    """Try all the cases at once; one sentence for each thing that is not as it must be."""
    before = await server.versions()
    room = asyncio.Semaphore(AT_ONCE)
    forms = [(case, *await _made(server, case)) for case in cases]

    async def send(case: Case, honest: Form, form: Form) -> Sent:
        async with room:
            return Sent(case, honest, form, *await server.send(form))

    tried = await asyncio.gather(*(send(*each) for each in forms))
    stored = await server.versions() - before
    keys = {sent.honest.key for sent in tried}
    complaints = []
    for sent in tried:
        # What came to a key of nobody's here is known by its bytes.
        files = sent.files
        strays = {version for version in stored if version.etag in files and version.key not in keys}
        own = strays | {version for version in stored if version.key == sent.honest.key}
        stored -= own
        complaints += [f"{sent.case.name}: {complaint}" for complaint in await _complaints(server, sent, own)]
    return [*complaints, *(f"nobody knows who stored {version}" for version in stored)]


async def _made(server: Server, case: Case) -> tuple[Form, Form]:
    """The form that was issued for a case, and what the attacker makes of it. Its body is like no other case's."""
    body = random.Random(case.name).randbytes(case.size)
    known = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    asked = {name: known[name] for name in case.declared}
    form = await server.issue(case.who, body, filename="page.html", metadata={"note": "for you"}, **asked)
    another = replace(case.who, keys=case.who.other or case.who.keys)
    other = await server.issue(another, body, filename="other.html", metadata={"note": "for me"}, **asked)
    return form, case.change(Given(form, other, server.other))


async def _complaints(server: Server, sent: Sent, stored: Collection[Version]) -> list[str]:
    answer = STORED if sent.case.name in EXEMPT.get(server.name, ()) else sent.case.answer
    complaints = _wrong_answer(server, sent, answer)
    if answer is not STORED:
        return [*complaints, *(f"it stored {version}" for version in stored)]
    if len(stored) != 1:
        return [*complaints, f"it stored {len(stored)} versions"]
    return [*complaints, *[wrong for version in stored for wrong in await _not_as_signed(server, sent, version)]]


def _wrong_answer(server: Server, sent: Sent, answer: Answer) -> list[str]:
    if server.name == "ceph":
        right, expected = sent.status == answer.ceph, str(answer.ceph)
    else:
        right, expected = (sent.status, sent.code) == answer[:2], f"{answer.status} {answer.code}"
    return [] if right else [f"the answer was {sent.status} {sent.code}, not {expected}"]


async def _not_as_signed(server: Server, sent: Sent, version: Version) -> Iterable[str]:
    """What the policy forbids in what was stored, whatever the form said."""
    signed, found = sent.honest.fields, await server.described(version)
    metadata = {name.removeprefix(PREFIX): value for name, value in signed.items() if name.startswith(PREFIX)}
    declared = int(metadata.get("size", 0))
    facts = {
        "bucket": (version.bucket, server.incoming),
        "key": (version.key, sent.honest.key),
        "content type": (found.content_type, signed["Content-Type"]),
        "metadata": (found.metadata, metadata),
        "size": ((declared or MIN) <= found.size <= (declared or MAX), True),
        "bytes": (version.etag in sent.files, True),
        "more": (found.more, set()),
    }
    return [f"its {name} is {is_}, not {ought}" for name, (is_, ought) in facts.items() if is_ != ought]
