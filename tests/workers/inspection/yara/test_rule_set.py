from pathlib import Path
from typing import Any

import pytest
import yara_x

from tests.workers.harness import EICAR
from workers.inspection.yara.child import scanned
from workers.inspection.yara.rule_set import BadRules, compile_rules

SHELL = "PHP_runs_what_a_request_says"


def _found(body: bytes, operators: Path | None = None) -> list[Any]:
    """The rule and the outcome of each match."""
    *found, _ = scanned(yara_x.Scanner(compile_rules(operators).rules), body)
    return found


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        (EICAR, ["EICAR_test_file"]),
        (b"before " + EICAR + b" after", ["EICAR_test_file"]),
        (EICAR[:-1], []),
        (b"<?php eval(base64_decode($_POST['x'])); ?>", [SHELL]),
        (b"\xff\xd8\xff\xe0 JFIF <?PHP @System ( $_GET[0] );", [SHELL]),
        (b"<?= passthru($_REQUEST['c']) ?>", [SHELL]),
        (b"<?php echo htmlspecialchars($_GET['a']);", []),
        (b"never write eval($_GET['x']) in your pages", []),
    ],
)
def test_the_bundled_rules_find_what_they_are_for_and_nothing_else(body: bytes, rules: list[str]) -> None:
    assert _found(body) == [[rule, "infected"] for rule in rules]


def test_an_operators_folder_adds_rules_which_may_reject_and_share_names(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.yar").write_text('rule x { meta: outcome = "rejected" strings: $a = "secret" condition: $a }')
    (tmp_path / "deep" / "b.yara").write_text('rule x { strings: $a = "secret" condition: $a }')
    (tmp_path / "readme.txt").write_text("no rule")
    assert _found(b"a secret", tmp_path) == [["x", "rejected"], ["x", "infected"]]
    assert compile_rules(tmp_path).engine != compile_rules().engine


def test_of_two_outcomes_of_a_rule_the_first_counts(tmp_path: Path) -> None:
    (tmp_path / "a.yar").write_text('rule x { meta: outcome = "infected" outcome = "rejected" condition: true }')
    assert _found(b"abc", tmp_path) == [["x", "infected"]]


def test_every_bad_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "one.yar").write_text("rule a {\n condition:\n $x }")
    (tmp_path / "two.yar").write_text('rule b { meta:\n outcome = "unheard"\n condition: true }')
    (tmp_path / "three.yar").write_bytes(b"\xff\xfe")
    with pytest.raises(BadRules) as caught:
        compile_rules(tmp_path)
    message = str(caught.value)
    assert all(part in message for part in ("one.yar:3:", "two.yar:2:", "three.yar"))


def test_the_engine_names_its_version_and_its_rules() -> None:
    engine = compile_rules().engine
    assert engine.name == "yara-x"
    assert "(rules " in engine.version


def test_a_mounted_folder_counts_each_file_once_and_what_is_included_counts_for_the_digest(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "a.yar").write_text('include "word.inc"')
    (tmp_path / "a.yar").symlink_to("..data/a.yar")
    (tmp_path / "word.inc").write_text('rule x { strings: $a = "secret" condition: $a }')
    before = compile_rules(tmp_path).engine
    assert _found(b"a secret", tmp_path) == [["x", "infected"]]
    (tmp_path / "word.inc").write_text('rule x { strings: $a = "public" condition: $a }')
    assert compile_rules(tmp_path).engine != before


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadRules, match="none"):
        compile_rules(tmp_path / "none")
