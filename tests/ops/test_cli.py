"""ops.cli: every command is listed and explains itself."""

import pytest
from click.testing import CliRunner

from ops.cli import COMMANDS, main


def test_every_command_is_listed_with_a_sentence() -> None:
    ran = CliRunner().invoke(main, ["--help"], terminal_width=200)
    assert ran.exit_code == 0
    lines = dict(line.split(maxsplit=1) for line in ran.output.partition("Commands:\n")[2].splitlines())
    assert list(lines) == list(COMMANDS)
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in lines.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_page(name: str) -> None:
    ran = CliRunner().invoke(main, [name, "--help"])
    assert ran.exit_code == 0
    assert ran.output.startswith(f"Usage: airlock {name} ") or ran.output.startswith(f"Usage: main {name} ")


def test_an_unknown_command_is_exit_2() -> None:
    ran = CliRunner().invoke(main, ["inspect"])
    assert ran.exit_code == 2
    assert "No such command 'inspect'" in ran.output


def test_a_misspelled_variable_is_told_before_the_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRLOCK_REGOIN", "its-value")
    ran = CliRunner().invoke(main, ["token", "shop"])
    assert ran.exit_code == 0
    assert ran.stderr.startswith("Warning: AIRLOCK_REGOIN: no program of Airlock reads it; is AIRLOCK_REGION meant?\n")
    assert "its-value" not in ran.output
