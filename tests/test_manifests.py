"""The images and the manifests fit the code: their variables, files, ports, limits and engines."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from airlock.limits import DEFAULTS, LIMITS
from airlock.profiles import Profiles
from aws.settings import AwsSettings
from ops.cli import main
from ops.dev.scanner import CONFIGURATION
from ops.settings import Settings as OpsSettings
from service.settings import Settings as ServiceSettings
from tests.test_architecture import ROOT
from workers.inspection.clamd.client import SECONDS
from workers.settings import Settings as WorkersSettings

K8S = ROOT / "k8s"
SETTINGS: Mapping[str, type[AwsSettings]] = {
    "provision": OpsSettings,
    "reconcile": OpsSettings,
    "service": ServiceSettings,
    "workers": WorkersSettings,
}
"""What each of our containers reads, in compose.yaml and in k8s/ alike."""
SECRET = "0" * 64
TELEMETRY = "ORT_DISABLE_TELEMETRY"


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


COMPOSE: dict[str, Any] = documents(ROOT / "compose.yaml")[0]["services"]
KUSTOMIZATION = documents(K8S / "kustomization.yaml")[0]
RESOURCES = [resource for name in KUSTOMIZATION["resources"] for resource in documents(K8S / name)]
PODS: dict[str, dict[str, Any]] = {
    resource["metadata"]["name"]: resource["spec"]["template"]["spec"]
    for resource in RESOURCES
    if resource["kind"] == "Deployment"
}
JOBS: dict[str, dict[str, Any]] = {
    resource["metadata"]["name"]: resource["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for resource in RESOURCES
    if resource["kind"] == "CronJob"
}
SPECS = PODS | JOBS
CONTAINERS = [
    pytest.param(pod, container, id=f"{pod}-{container['name']}")
    for pod, spec in SPECS.items()
    for container in [*spec.get("initContainers", []), *spec["containers"]]
]


def container(pod: str, name: str) -> dict[str, Any]:
    return next(found for found in SPECS[pod]["containers"] if found["name"] == name)


def shared_env() -> dict[str, str]:
    lines = (K8S / "airlock.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def k8s_env(pod: str, name: str) -> dict[str, str]:
    own = {entry["name"]: entry.get("value", SECRET) for entry in container(pod, name).get("env", [])}
    return shared_env() | own


ENVIRONMENTS = [
    *(pytest.param(name, COMPOSE[name]["environment"], id=f"compose-{name}") for name in SETTINGS if name in COMPOSE),
    *(pytest.param(name, k8s_env(f"airlock-{name}", name), id=f"k8s-{name}") for name in ("service", "workers")),
    pytest.param("reconcile", k8s_env("airlock-reconcile", "reconcile"), id="k8s-reconcile"),
]


def variables(settings: type[AwsSettings]) -> set[str]:
    return {f"AIRLOCK_{field}".upper() for field in settings.model_fields}


@pytest.mark.parametrize(("name", "env"), ENVIRONMENTS)
def test_a_container_is_given_only_variables_that_something_knows(name: str, env: dict[str, str]) -> None:
    known = set().union(*(variables(settings) for settings in SETTINGS.values()))
    assert {variable for variable in env if not variable.startswith("AWS_")} <= known | {TELEMETRY}


def test_no_image_of_ours_and_no_worker_reports_to_the_vendor_of_onnxruntime() -> None:
    """The worker sets it itself: this is for whatever else somebody runs in these containers."""
    base = (ROOT / "Dockerfile").read_text().partition(" AS base\n")[2].partition("\nFROM ")[0]
    assert f"ENV {TELEMETRY}=1" in base
    assert COMPOSE["workers"]["environment"][TELEMETRY] == "1"
    assert k8s_env("airlock-workers", "workers")[TELEMETRY] == "1"


@pytest.fixture
def mounts(tmp_path: Path) -> dict[str, str]:
    """Where the folders that a pod mounts are on this machine."""
    (tmp_path / "tokens.toml").write_text(f'[[tokens]]\nowner = "somebody"\nsha256 = "{SECRET}"\n')
    return {"/etc/airlock/profiles": str(K8S), "/etc/airlock/tokens": str(tmp_path)}


@pytest.mark.parametrize(("name", "env"), ENVIRONMENTS)
def test_what_a_container_is_given_is_a_whole_configuration(
    name: str, env: dict[str, str], mounts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for variable in [variable for variable in os.environ if variable.startswith("AIRLOCK_")]:
        monkeypatch.delenv(variable)
    for variable, value in env.items():
        folder, _, file = value.rpartition("/")
        monkeypatch.setenv(variable, f"{mounts[folder]}/{file}" if folder in mounts else value)
    settings = SETTINGS[name]()
    assert settings.region == "eu-central-1"


def test_images_copy_what_is_there_and_not_ignored() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    copied = {source for line in lines for source in line.split()[:-1]}
    assert all((ROOT / source).exists() for source in copied)
    assert copied <= {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_no_container_runs_as_root_or_writes_to_its_image(pod: str, container: dict[str, Any]) -> None:
    assert SPECS[pod]["securityContext"]["runAsNonRoot"] is True
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_every_mount_probe_and_image_is_defined(pod: str, container: dict[str, Any]) -> None:
    volumes = {volume["name"] for volume in SPECS[pod]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    ports = {port["name"] for port in container.get("ports", [])}
    probes = [container.get(probe, {}) for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert {probe["httpGet"]["port"] for probe in probes if "httpGet" in probe} <= ports
    assert container["image"] in {image["name"] for image in KUSTOMIZATION["images"]}


@pytest.mark.parametrize("pod", SPECS)
def test_every_map_secret_and_account_of_a_pod_is_defined(pod: str) -> None:
    maps = {generated["name"] for generated in KUSTOMIZATION["configMapGenerator"]}
    spec = SPECS[pod]
    assert {volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume} <= maps
    secrets = {generated["name"] for generated in KUSTOMIZATION["secretGenerator"]}
    assert {volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume} <= secrets
    entries = [
        entry["valueFrom"]["secretKeyRef"]
        for each in spec["containers"]
        for entry in each.get("env", ())
        if "valueFrom" in entry
    ]
    assert {entry["name"] for entry in entries} <= secrets
    accounts = {found["metadata"]["name"] for found in RESOURCES if found["kind"] == "ServiceAccount"}
    assert spec["serviceAccountName"] in accounts


@pytest.mark.parametrize("pod", PODS)
def test_pods_that_serve_are_not_all_taken_away_at_once(pod: str) -> None:
    budgets = [found["spec"] for found in RESOURCES if found["kind"] == "PodDisruptionBudget"]
    assert {"app.kubernetes.io/name": pod} in [budget["selector"]["matchLabels"] for budget in budgets]


def test_a_job_runs_a_command_that_there_is_one_at_a_time() -> None:
    (job,) = (found["spec"] for found in RESOURCES if found["kind"] == "CronJob")
    assert job["concurrencyPolicy"] == "Forbid"
    name, *options = container("airlock-reconcile", "reconcile")["args"]
    command = main.get_command(click.Context(main), name)
    assert command is not None
    command.make_context(name, options)


def test_generated_maps_name_files_that_are_there() -> None:
    maps = KUSTOMIZATION["configMapGenerator"]
    files = [name for generated in maps for name in generated.get("files", []) + generated.get("envs", [])]
    assert all((K8S / name).is_file() for name in files)


def test_a_changed_secret_rolls_the_pods_and_is_not_in_the_repository() -> None:
    """kustomize ends the name of what it generates in a hash, and puts that name into the pods."""
    (generated,) = KUSTOMIZATION["secretGenerator"]
    assert not KUSTOMIZATION.get("generatorOptions", {}).get("disableNameSuffixHash")
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {f"k8s/{name}" for name in generated["envs"] + generated["files"]} <= set(ignored)


def test_the_copies_of_a_worker_fit_into_its_volume() -> None:
    (volume,) = (each for each in PODS["airlock-workers"]["volumes"] if each["name"] == "tmp")
    limit = int(volume["emptyDir"]["sizeLimit"].removesuffix("Gi")) * 1024
    assert int(k8s_env("airlock-workers", "workers")["AIRLOCK_SPOOL_SIZE"]) < limit


def test_clamd_begins_before_the_worker_and_ends_after_it() -> None:
    """A sidecar among the init containers is started before the pod's containers, and gets SIGTERM after their end."""
    (clamd,) = (each for each in PODS["airlock-workers"]["initContainers"] if each["name"] == "clamd")
    assert clamd["restartPolicy"] == "Always"
    assert "startupProbe" in clamd
    assert "clamd" not in {each["name"] for each in PODS["airlock-workers"]["containers"]}


def test_a_pod_listens_where_it_is_asked() -> None:
    service, workers = k8s_env("airlock-service", "service"), k8s_env("airlock-workers", "workers")
    assert [port["containerPort"] for port in container("airlock-service", "service")["ports"]] == [
        int(service["AIRLOCK_PORT"])
    ]
    assert [port["containerPort"] for port in container("airlock-workers", "workers")["ports"]] == [
        int(workers["AIRLOCK_HEALTH_PORT"])
    ]


def test_a_pod_may_drain_before_it_is_killed() -> None:
    service, workers = k8s_env("airlock-service", "service"), k8s_env("airlock-workers", "workers")
    needed = int(service["AIRLOCK_UNREADY_SECONDS"]) + int(service["AIRLOCK_DRAIN_SECONDS"])
    assert PODS["airlock-service"]["terminationGracePeriodSeconds"] >= needed + 10
    assert PODS["airlock-workers"]["terminationGracePeriodSeconds"] >= int(workers["AIRLOCK_DRAIN_SECONDS"]) + 10
    assert int(service["AIRLOCK_UNREADY_SECONDS"]) == 15
    default: float = WorkersSettings.model_fields["drain_seconds"].default
    assert int(COMPOSE["workers"]["stop_grace_period"].removesuffix("s")) >= default + 10


def profiles(path: Path) -> Profiles:
    return Profiles.load(path.read_text(), "toml")


@pytest.mark.parametrize("path", [ROOT / "airlock.toml", K8S / "airlock.toml"], ids=["repository", "cluster"])
def test_clamd_takes_the_largest_object_of_every_profile(path: Path) -> None:
    conf = dict(line.split(" ", 1) for line in (K8S / "clamd.conf").read_text().splitlines() if " " in line)
    largest = max(
        profile.max_bytes for profile in profiles(path).profiles.values() if profile.above_engine_limit == "unscannable"
    )
    for limit in ("StreamMaxLength", "MaxFileSize", "MaxScanSize"):
        assert int(conf[limit].removesuffix("M")) * 2**20 >= largest


@pytest.mark.parametrize("path", [ROOT / "airlock.toml", K8S / "airlock.toml"], ids=["repository", "cluster"])
def test_the_limits_of_every_profile_come_before_those_of_clamd(path: Path) -> None:
    conf = dict(line.split(" ", 1) for line in (K8S / "clamd.conf").read_text().splitlines() if " " in line)
    for profile in profiles(path).profiles.values():
        limits = {**DEFAULTS, **profile.limits}
        largest = profile.max_bytes if profile.above_engine_limit == "unscannable" else 2**31
        assert int(conf["MaxScanSize"].removesuffix("M")) * 2**20 >= limits["archive_bytes"] + 2 * largest
        assert int(conf["MaxFiles"]) >= 2 * limits["archive_entries"]
    # Each archive may be compressed, and in a document that is in a mail.
    assert int(conf["MaxRecursion"]) >= 2 * LIMITS["archive_depth"].largest + 2
    assert int(conf["MaxScanTime"]) / 1000 < SECONDS


def test_the_clamd_of_airlock_dev_has_the_limits_of_the_cluster_s() -> None:
    lines = (K8S / "clamd.conf").read_text().splitlines()
    limits = {line for line in lines if line.startswith(("Max", "Stream", "Alert")) and "Threads" not in line}
    assert limits <= set(CONFIGURATION.splitlines())


def test_clamd_says_what_it_did_not_look_at() -> None:
    lines = (K8S / "clamd.conf").read_text().splitlines()
    assert {"AlertExceedsMax yes", "AlertEncrypted yes"} <= set(lines)
