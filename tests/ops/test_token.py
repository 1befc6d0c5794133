"""ops.token: the token is shown once; the file's lines hold its hash and nothing of it."""

import hashlib
import tomllib

from click.testing import CliRunner

from ops.cli import main


def test_the_lines_hold_the_hash_of_the_token_that_was_shown() -> None:
    ran = CliRunner().invoke(main, ["token", 'ali"ce', "--profile", "avatar", "--profile", "doc*"])
    token = ran.stderr.splitlines()[0]
    [entry] = tomllib.loads(ran.stdout)["tokens"]
    assert entry == {
        "owner": 'ali"ce',
        "sha256": hashlib.sha256(token.encode()).hexdigest(),
        "profiles": ["avatar", "doc*"],
    }
    assert token not in ran.stdout


def test_two_tokens_differ_and_any_profile_is_theirs() -> None:
    first, second = (CliRunner().invoke(main, ["token", "bob"]).stdout for _ in range(2))
    assert first != second
    assert tomllib.loads(first)["tokens"][0]["profiles"] == ["*"]
