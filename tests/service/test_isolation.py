"""Every call about another owner's upload gets the same response as one about an upload that does not exist."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from airlock import upload_id
from airlock.lifecycle import State
from aws.settings import AwsSettings
from service.routes import OPERATIONS, Operation
from tests.service.deployed import deployed_service
from tests.service.fakes import START
from tests.service.harness import SECRET, TOKENS, Answer, ServiceHarness
from tests.service.uploads.test_handlers import accepted, record

ABOUT_ONE = [operation for operation in OPERATIONS if "{id}" in operation.path]
NEVER = "0" * upload_id.LENGTH

about_one = pytest.mark.parametrize("operation", ABOUT_ONE, ids=lambda operation: operation.name)


async def ask(service: ServiceHarness, operation: Operation, upload: str, owner: str = "shop") -> Answer:
    more: dict[str, Any] = {"json": {}} if operation.body else {}
    # Set by the caller, so that it is the same in each response.
    more["headers"] = {"X-Request-Id": "one-of-ours"}
    return await service.ask(operation.method, operation.path.replace("{id}", upload), owner=owner, **more)


async def does_not_exist(service: ServiceHarness, operation: Operation, upload: str, owner: str = "shop") -> None:
    """The response is, byte for byte, the one for an upload that does not exist."""
    answer, never = await ask(service, operation, upload, owner), await ask(service, operation, NEVER, owner)
    assert (answer.status, answer.json["code"]) == (404, "upload_not_found"), upload
    assert comparable(answer) == comparable(never)


def comparable(answer: Answer) -> Any:
    return answer.status, answer.body, {name: value for name, value in answer.headers.items() if name != "Date"}


def test_there_are_operations_about_one_upload() -> None:
    assert {operation.name for operation in ABOUT_ONE} >= {"get_upload", "withdraw_upload", "get_content"}


@about_one
@pytest.mark.parametrize("state", [None, State.INSPECTING, State.ACCEPTED, State.WITHDRAWN])
async def test_another_owners_upload_does_not_exist_in_any_state(
    service: ServiceHarness, operation: Operation, state: State | None
) -> None:
    upload = (await service.create(owner="press"))["id"]
    if state is not None:
        kept = accepted(upload, owner="press") if state is State.ACCEPTED else record(upload, state, owner="press")
        service.records.put(kept)
    before = dict(service.records.records)
    for owner in TOKENS.keys() - {"press"}:
        await does_not_exist(service, operation, upload, owner)
    assert service.records.records == before
    assert (service.queue.sent, service.objects.presigned) == ([], [])


@about_one
async def test_an_id_with_any_digit_altered_does_not_exist(service: ServiceHarness, operation: Operation) -> None:
    upload = (await service.create())["id"]
    service.records.put(accepted(upload))
    for place, digit in enumerate(upload):
        altered = upload[:place] + f"{int(digit, 16) ^ 1:x}" + upload[place + 1 :]
        await does_not_exist(service, operation, altered)
    assert (service.queue.sent, service.objects.presigned) == ([], [])


def other_spellings(upload: str) -> Iterator[str]:
    """Texts that a less strict parser could read as the same id."""
    yield upload.upper()
    yield "".join(chr(0xFF10 + int(digit)) if digit.isdecimal() else digit for digit in upload)
    yield "".join(chr(0x0660 + int(digit)) if digit.isdecimal() else digit for digit in upload)
    yield from (f"{upload}%0A", f"%20{upload}", f"{upload}%00", f"{upload}%2F", f"{upload}%2Fcontent", f"..%2F{upload}")
    yield from (f"0x{upload}", f"{upload}00", upload[:-2], f"{upload[:30]}_{upload[30:]}")


@about_one
async def test_an_id_in_another_spelling_does_not_exist(service: ServiceHarness, operation: Operation) -> None:
    upload = (await service.create())["id"]
    service.records.put(accepted(upload))
    for spelling in other_spellings(upload):
        await does_not_exist(service, operation, spelling)


@about_one
async def test_an_id_that_no_secret_of_ours_signed_does_not_exist(
    service: ServiceHarness, operation: Operation
) -> None:
    for secret in (b"", b"x" * 40, SECRET.upper().encode(), SECRET[:-1].encode(), SECRET.encode() + b"0"):
        forged = upload_id.mint(bytes(8), int(START), 900, "shop", [secret]).text
        service.records.put(accepted(forged))
        await does_not_exist(service, operation, forged)


@about_one
async def test_an_id_cannot_be_moved_to_another_owner(service: ServiceHarness, operation: Operation) -> None:
    """Two ids of the same second differ in random bytes and MAC. Mixing them gives no valid id."""
    random = bytes(range(8))
    theirs = upload_id.mint(random, int(START), 900, "press", [SECRET.encode()]).text
    own = upload_id.mint(random[::-1], int(START), 900, "shop", [SECRET.encode()]).text
    plain = 2 * (upload_id.RANDOM_BYTES + 7)
    for moved in (theirs, theirs[:plain] + own[plain:], own[:plain] + theirs[plain:]):
        service.records.put(accepted(moved, owner="shop"))
        await does_not_exist(service, operation, moved)


@about_one
async def test_an_owner_whose_name_begins_as_anothers_ends_is_not_that_one(
    service: ServiceHarness, operation: Operation
) -> None:
    for owner in ("sho", "shop ", "Shop", "shop\0", "", "shopshop"):
        other = upload_id.mint(bytes(8), int(START), 900, owner, [SECRET.encode()]).text
        await does_not_exist(service, operation, other)


@about_one
async def test_a_record_of_another_owner_is_never_shown_nor_changed(
    service: ServiceHarness, operation: Operation
) -> None:
    upload = (await service.create())["id"]
    kept = service.records.put(accepted(upload, owner="press"))
    await does_not_exist(service, operation, upload)
    assert service.records.records == {upload: kept}
    assert (service.queue.sent, service.objects.presigned) == ([], [])


async def test_a_record_of_another_owner_is_not_shown_to_a_long_poll_either(service: ServiceHarness) -> None:
    upload = (await service.create())["id"]
    held = asyncio.create_task(service.ask("GET", f"/v1/uploads/{upload}?wait=20"))
    await service.clock.asleep(3)
    service.records.put(accepted(upload, owner="press"))
    service.clock.advance(1)
    answer = await held
    assert (answer.status, answer.json["code"]) == (404, "upload_not_found")


async def test_a_list_holds_ones_own_and_no_cursor_opens_anothers(deployment: AwsSettings) -> None:
    async with deployed_service(deployment) as service:
        for number in range(6):
            owner = ("shop", "press")[number % 2]
            arrived = record(f"u{number}", owner=owner)
            await service.records.claim(replace(arrived, created_at=START + number))
        cursors = [""]
        own = {"shop": ["u4", "u2", "u0"], "press": ["u5", "u3", "u1"], "limited": []}
        for owner, mine in own.items():
            first = (await service.ask("GET", "/v1/uploads?limit=1", owner=owner)).json
            cursors.append(f"&cursor={first['cursor']}" if mine else "")
            every = (await service.ask("GET", "/v1/uploads?limit=50", owner=owner)).json
            assert [each["id"] for each in every["uploads"]] == mine
        for owner, mine in own.items():
            for cursor in cursors:
                page = (await service.ask("GET", f"/v1/uploads?limit=50{cursor}", owner=owner)).json
                assert {each["id"] for each in page["uploads"]} <= set(mine)
