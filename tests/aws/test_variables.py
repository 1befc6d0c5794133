"""Which variables are told to be unknown, and by which name."""

import ops.settings
import service.settings
import workers.settings
from aws.variables import KNOWN, PREFIX, unknown

# Read by click, for the commands that call the service's API, and by `make audit`.
NO_SETTINGS = {"AIRLOCK_SERVICE", "AIRLOCK_TOKEN", "AIRLOCK_ADVISORIES"}


def test_every_setting_of_every_program_is_known_and_nothing_else() -> None:
    models = (service.settings.Settings, workers.settings.Settings, ops.settings.Settings)
    assert {PREFIX + name.upper() for model in models for name in model.model_fields} | NO_SETTINGS == KNOWN


def test_a_misspelled_variable_is_told_with_the_nearest_name() -> None:
    assert unknown(["AIRLOCK_REGOIN", "AIRLOCK_CONNECTION", "AIRLOCK_REGION", "airlock_table", "PATH", "REGION"]) == [
        "AIRLOCK_CONNECTION: no program of Airlock reads it; is AIRLOCK_CONNECTIONS meant?",
        "AIRLOCK_REGOIN: no program of Airlock reads it; is AIRLOCK_REGION meant?",
    ]


def test_a_variable_that_resembles_none_is_told_too() -> None:
    assert unknown(["AIRLOCK_COLOUR"]) == ["AIRLOCK_COLOUR: no program of Airlock reads it"]


def test_what_kubernetes_sets_for_services_is_no_mistake() -> None:
    links = ["SERVICE_SERVICE_HOST", "SERVICE_SERVICE_PORT", "SERVICE_SERVICE_PORT_HTTP", "SERVICE_PORT"]
    links += ["SERVICE_PORT_80_TCP", "SERVICE_PORT_80_TCP_ADDR"]
    assert unknown([f"AIRLOCK_{name}" for name in links]) == []
    assert unknown(["AIRLOCK_SERVICE_PORT"]) != []


def test_a_name_cannot_write_to_the_terminal() -> None:
    assert unknown(["AIRLOCK_\x1b[31m"]) == ["AIRLOCK_\\x1b[31m: no program of Airlock reads it"]
