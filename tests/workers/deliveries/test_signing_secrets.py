"""The signing secrets of webhooks: an error names every problem and contains no value."""

import pytest

from tests.workers.deliveries.receiver import SECRET
from workers.deliveries.signing_secrets import WebhookSecretsError, parse


def test_each_webhook_has_its_secrets_newest_first() -> None:
    other = "whsec_" + "A" * 32
    assert parse(f'billing = ["{other}", "{SECRET}"]\nother = ["{SECRET}"]', ["billing"])["billing"] == [other, SECRET]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "is not TOML"),
        ("", "there is no secret for billing"),
        ("billing = []", "there is no secret for billing"),
        ('billing = "whsec_hidden"', "billing: Input should be a valid list"),
        ('billing = ["hidden"]', "billing.0: must be whsec_ and the base64 of 24 to 64 bytes"),
        ('billing = ["whsec_aGlkZGVu"]', "billing.0: must be"),
        ('billing = ["whsec_hid den!"]', "billing.0: must be"),
    ],
)
def test_a_wrong_file_is_refused_without_quoting_it(text: str, message: str) -> None:
    with pytest.raises(WebhookSecretsError) as caught:
        parse(text, ["billing"])
    assert message in str(caught.value)
    assert "hid" not in str(caught.value)
