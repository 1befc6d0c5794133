"""`airlock token`: the token is printed once; the lines for the file hold its hash only."""

import hashlib
import tomllib

from click.testing import CliRunner

from ops.cli import main
from service.identity.caller import Caller
from service.identity.tokens import StaticTokens


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


def test_two_tokens_differ_and_may_use_any_profile() -> None:
    first, second = (CliRunner().invoke(main, ["token", "bob"]).stdout for _ in range(2))
    assert first != second
    assert tomllib.loads(first)["tokens"][0]["profiles"] == ["*"]


def test_the_service_reads_all_that_a_token_may() -> None:
    wanted = ["--tenant", "acme", "--scope", "uploads:write", "--sessions-for", "user-*", "--sessions-for", "guest"]
    ran = CliRunner().invoke(main, ["token", "shop", *wanted])
    caller = StaticTokens.load(ran.stdout).find(ran.stderr.splitlines()[0])
    assert caller == Caller(
        "shop",
        tenant="acme",
        scopes=frozenset({"uploads:write"}),
        sessions_for=("user-*", "guest"),
    )
