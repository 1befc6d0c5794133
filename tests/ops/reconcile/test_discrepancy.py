"""ops.reconcile.discrepancy: every discrepancy is explained."""

from ops.reconcile.discrepancy import SENTENCES, Discrepancy
from tests.deployment import ROOT


def test_every_discrepancy_has_a_sentence_and_is_named_in_the_docs() -> None:
    assert set(SENTENCES) == set(Discrepancy)
    page = (ROOT / "docs" / "repair.md").read_text()
    assert all(f"`{discrepancy}`" in page for discrepancy in Discrepancy)
