"""tests.deployment: nothing is tested against an emulator that takes forgeries."""

import pytest

from ops.dev import emulator
from tests.deployment import EnforcementOffError, ministack

pytestmark = pytest.mark.server


async def test_an_emulator_that_takes_a_forged_policy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "FIXED_ENVIRONMENT", {**emulator.FIXED_ENVIRONMENT, "AUTH": "false"})
    with pytest.raises(EnforcementOffError, match=r"\[204, 204\]"):
        async with ministack():
            pass
