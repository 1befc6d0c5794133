"""Targets of verdict events: a kind and a name; the addresses of webhooks."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airlock import targets
from airlock.profiles import ProfileError, Profiles
from airlock.targets import Target

PROFILE = """
default_profile = "p"
[profiles.p]
content_types = ["text/plain"]
max_bytes = 10
notify = ["sqs:b", "webhook:billing", "sqs:a", "sns:t"]
"""


@pytest.mark.parametrize("text", ["sqs:airlock-verdicts", "sns:Topic_1", "eventbridge:default", "webhook:billing"])
def test_a_target_is_a_kind_and_a_name(text: str) -> None:
    assert ":".join(targets.parse(text)) == text


@pytest.mark.parametrize("text", ["", "sqs", "sqs:", "sqs:a.fifo", "webhook:Billing", "https://a.example", "sqs:a\n"])
def test_what_is_no_target_is_told_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match="must be sqs:QUEUE, sns:TOPIC, eventbridge:BUS or webhook:NAME"):
        targets.parse(text)


@given(st.text())
def test_any_text_is_a_target_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert ":".join(targets.parse(text)) == text


@pytest.mark.parametrize("url", ["https://hooks.example.com/airlock?a=b", "http://receiver.default.svc:8080/"])
def test_the_address_of_a_webhook(url: str) -> None:
    assert targets.url_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example",
        "https://",
        "https://user:word@a.example",
        "https://a.example/#part",
        "https://a.example/ b",
        "https://[::1",
        "https://a.example:99999",
        "https://a.example:0",
        "https://ä.example",
        "https://a.example/" + "a" * 2048,
    ],
)
def test_what_is_no_address_of_a_webhook(url: str) -> None:
    assert targets.url_problem(url)


def test_a_profile_may_notify_only_webhooks_that_are_there() -> None:
    with pytest.raises(ProfileError, match="'billing', which is not there"):
        Profiles.load(PROFILE)
    with pytest.raises(ProfileError, match=r"webhooks.billing.url: must be an https://"):
        Profiles.load(PROFILE + '[webhooks.billing]\nurl = "billing"')
    profiles = Profiles.load(PROFILE + '[webhooks.billing]\nurl = "https://billing.example/hook"')
    assert profiles.get(None).targets[1] == Target("webhook", "billing")
    assert profiles.notified("sqs") == ["a", "b"]
    assert profiles.notified("eventbridge") == []
    assert Profiles.load(profiles.to_json(), "json") == profiles
