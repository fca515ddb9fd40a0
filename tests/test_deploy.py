"""The files around the code: they parse, agree with each other, and the programs they are for accept them."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from servers import binary

from watchman import __version__
from watchman.config.load import load_config
from watchman.modes import Mode
from watchman.sonnen.settings import Options, load_settings

ROOT = Path(__file__).parent.parent
COMPOSE_FILES = ("docker-compose.yml", "deploy/dockprom/docker-compose.watchman.yml")
CONFIG_FILES = ("config.yaml", "deploy/watchman/config.yaml", "deploy/dockprom/config.yaml")
LOCK_FILES = sorted(ROOT.glob("requirements*.lock"))
DASHBOARDS = sorted(ROOT.glob("deploy/grafana/provisioning/dashboards/*.json"))
SCRIPTS = sorted([*ROOT.glob("scripts/*.sh"), ROOT / ".ci/run"])
UNITS = sorted(ROOT.glob("deploy/systemd/*.service"))

# A tag says which version runs; `latest`, `3` or none lets it change under a running home.
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+")
ENVIRONMENT = {
    "SITE_TIMEZONE": "Europe/Berlin",
    "PHONE_URL": "ntfy://127.0.0.1/home",
    "MAIL_URL": "mailto://127.0.0.1:2525/?from=a@example.org&to=b@example.org",
}


def compose(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text())


def variables(text: str) -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", text))


def defaults_filled_in(text: str) -> str:
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def env_example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_every_image_of_a_stack_has_a_pinned_tag(name: str) -> None:
    images = {service: defaults_filled_in(given["image"]) for service, given in compose(name)["services"].items()}
    assert {service: image for service, image in images.items() if not PINNED.fullmatch(image)} == {}


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_the_image_of_the_stack_is_of_this_version(name: str) -> None:
    tags = set(re.findall(r"WATCHMAN_IMAGE:-watchman:([^}]+)\}", (ROOT / name).read_text()))
    assert tags == {__version__}


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_every_setting_of_a_stack_is_explained_in_the_example(name: str) -> None:
    assert variables((ROOT / name).read_text()) <= set(env_example())


def test_the_example_holds_no_setting_that_nothing_reads() -> None:
    assert set(env_example()) == variables((ROOT / "docker-compose.yml").read_text())


@pytest.mark.parametrize("config", ["deploy/watchman/config.yaml", "deploy/dockprom/config.yaml"])
def test_what_config_takes_from_its_environment_is_handed_to_the_container(config: str) -> None:
    stack = "docker-compose.yml" if "dockprom" not in config else COMPOSE_FILES[1]
    wanted = variables((ROOT / config).read_text())
    assert wanted == set(compose(stack)["services"]["watchman"]["environment"])


def test_every_folder_the_stack_mounts_is_there() -> None:
    volumes = [volume for given in compose("docker-compose.yml")["services"].values() for volume in given["volumes"]]
    folders = [volume.split(":")[0] for volume in volumes if volume.startswith("./")]
    assert folders
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_every_named_volume_is_declared() -> None:
    stack = compose("docker-compose.yml")
    used = {v.split(":")[0] for given in stack["services"].values() for v in given["volumes"] if not v.startswith(".")}
    assert used == set(stack["volumes"])


def test_no_port_is_open_to_the_network_unless_asked_for() -> None:
    ports = [port for given in compose("docker-compose.yml")["services"].values() for port in given["ports"]]
    assert [port for port in ports if not defaults_filled_in(port).startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("service", ["sonnen", "watchman"])
@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_our_own_containers_can_write_nothing_but_their_data(name: str, service: str) -> None:
    given = compose(name)["services"][service]
    assert (given["read_only"], given["cap_drop"], given["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])


def test_services_of_others_are_watched_by_a_health_check() -> None:
    stack = compose("docker-compose.yml")["services"]
    others = {name: given for name, given in stack.items() if name not in ("sonnen", "watchman")}
    assert others
    assert [name for name, given in others.items() if "healthcheck" not in given] == []


@pytest.mark.parametrize("name", CONFIG_FILES)
def test_the_config_has_no_fault(name: str) -> None:
    config = load_config(ROOT / name, ENVIRONMENT)
    assert {receiver.name for receiver in config.receivers} == {"phone", "mail"}


@pytest.mark.parametrize("folder", ["deploy/exporter", "deploy/dockprom"])
def test_the_exporter_config_names_a_battery_and_the_environment_counts_more(folder: str) -> None:
    options = Options("config.toml", (ROOT / folder / "config.toml").read_text())
    settings = load_settings(options, {"SONNEN_URL": "http://10.0.0.7", "SONNEN_TOKEN": ""}, Path.read_text)
    assert [(system.url, system.host) for system in settings.systems] == [("http://10.0.0.7", "sonnen")]
    assert settings.warnings == ()


def test_prometheus_scrapes_the_services_of_the_stack() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    # The shipped rules look for job=~".*sonnen.*" and job="watchman".
    assert targets == {"prometheus": ["localhost:9090"], "sonnen": ["sonnen:9422"], "watchman": ["watchman:9424"]}


def test_the_scrape_jobs_for_dockprom_are_those_of_the_stack() -> None:
    jobs = yaml.safe_load((ROOT / "deploy/dockprom/scrape-jobs.yml").read_text())
    assert [(job["job_name"], job["static_configs"][0]["targets"]) for job in jobs] == [
        ("sonnenexporter", ["sonnen:9422"]),
        ("watchman", ["watchman:9424"]),
    ]


DOCKPROM = ROOT / "deploy/dockprom"


@pytest.mark.parametrize("mode", list(Mode))
def test_the_section_for_each_mode_fits_the_config_for_dockprom(mode: Mode, tmp_path: Path) -> None:
    whole = yaml.safe_load((DOCKPROM / "config.yaml").read_text())
    whole |= yaml.safe_load((DOCKPROM / mode / "watchman.yaml").read_text())
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(whole))
    assert load_config(file, ENVIRONMENT).mode is mode


def test_the_config_for_dockprom_is_that_of_mode_beside() -> None:
    whole = yaml.safe_load((DOCKPROM / "config.yaml").read_text())
    assert yaml.safe_load((DOCKPROM / "beside/watchman.yaml").read_text()).items() <= whole.items()


def test_alertmanagers_webhook_for_dockprom_leads_to_watchman_and_to_a_receiver() -> None:
    config = yaml.safe_load((DOCKPROM / "before/alertmanager.yml").read_text())
    known = {receiver.name for receiver in load_config(DOCKPROM / "config.yaml", ENVIRONMENT).receivers}
    posting = {one["name"]: one["webhook_configs"] for one in config["receivers"] if "webhook_configs" in one}
    assert set(posting) <= known
    assert [hook["url"] for hooks in posting.values() for hook in hooks] == [
        "http://watchman:9424/webhook/alertmanager"
    ]


@pytest.mark.parametrize("mode", ["beside", "before"])
def test_the_routes_for_dockprom_tell_watchmans_alerts_by_the_label_it_adds(mode: str) -> None:
    external = yaml.safe_load((DOCKPROM / "config.yaml").read_text())["external_labels"]
    assert external == {"monitor": "docker-host-alpha", "sent_by": "watchman"}
    assert 'sent_by="watchman"' in (DOCKPROM / mode / "alertmanager.yml").read_text()


@pytest.mark.integration
@pytest.mark.parametrize("mode", ["beside", "before"])
def test_alertmanager_accepts_the_routes_for_dockprom(mode: str) -> None:
    accepts(binary("amtool"), "check-config", DOCKPROM / mode / "alertmanager.yml")


@pytest.mark.integration
def test_prometheus_accepts_the_pieces_for_dockprom(tmp_path: Path) -> None:
    jobs = yaml.safe_load((DOCKPROM / "scrape-jobs.yml").read_text())
    whole = {"scrape_configs": jobs, **yaml.safe_load((DOCKPROM / "instead/prometheus.yml").read_text())}
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(whole))
    accepts(binary("promtool"), "check", "config", file)


@pytest.mark.integration
def test_the_files_of_others_in_the_documents_are_accepted_by_their_programs(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yml\n# (\w+)\.yml\n(.*?)^```$", (ROOT / "docs/alertmanager.md").read_text(), re.M | re.S)
    assert [name for name, _ in blocks] == ["prometheus", "alertmanager"]
    for name, text in blocks:
        file = tmp_path / f"{name}.yml"
        file.write_text(text if name == "prometheus" else f"route: {{receiver: phone}}\n{text}")
        program = ("promtool", "check", "config") if name == "prometheus" else ("amtool", "check-config")
        accepts(binary(program[0]), *program[1:], file)


@pytest.mark.integration
def test_prometheus_accepts_its_config() -> None:
    accepts(binary("promtool"), "check", "config", ROOT / "deploy/prometheus/prometheus.yml")


@pytest.mark.integration
def test_alertmanager_accepts_its_config() -> None:
    accepts(binary("amtool"), "check-config", ROOT / "deploy/alertmanager/alertmanager.yml")


def accepts(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
def test_a_dashboard_finds_its_data_source_by_name(file: Path) -> None:
    # dockprom's data source is called Prometheus and has no fixed uid.
    text = file.read_text()
    assert {panel["datasource"] for panel in json.loads(text)["panels"]} == {"Prometheus"}
    assert "${DS_" not in text


def test_the_power_dashboard_draws_the_five_series_and_the_offset() -> None:
    panels = json.loads((ROOT / "deploy/grafana/provisioning/dashboards/power.json").read_text())["panels"]
    assert [[target["expr"] for target in panel["targets"]] for panel in panels] == [
        [
            "sonnen_consumption_watts",
            "sonnen_discharge_watts",
            "sonnen_grid_feed_in_watts",
            "sonnen_production_watts",
            "sonnen_state_of_charge_percent",
        ],
        ["avg_over_time(sonnen_grid_feed_in_watts[24h])*24"],
    ]


@pytest.mark.parametrize("file", LOCK_FILES, ids=lambda file: file.name)
def test_a_lock_file_pins_everything_by_hash_and_names_no_place(file: Path) -> None:
    entries = re.split(r"\n(?=\S)", file.read_text().partition("\n")[2].strip())
    assert len(entries) > 20
    assert [entry for entry in entries if not re.match(r"[a-z0-9-]+==\S+", entry)] == []
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.search(r"://|index-url|find-links| @ ", file.read_text()) is None


@pytest.mark.parametrize(("file", "extra"), [("requirements.lock", ""), ("requirements-dev.lock", "dev")])
def test_a_lock_file_holds_what_the_project_asks_for(file: str, extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    names = {re.split(r"[<>=!~;\[ ]", line)[0].lower().replace("_", "-") for line in asked}
    assert names - set(re.findall(r"^([a-z0-9-]+)==", (ROOT / file).read_text(), re.MULTILINE)) == set()


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_is_valid_bash(file: Path) -> None:
    accepts("bash", "-n", file)


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_a_unit_starts_a_command_that_exists_without_privileges(file: Path) -> None:
    text = file.read_text()
    assert re.search(r"^ExecStart=/opt/watchman/\.venv/bin/watchman (run|exporter) --config ", text, re.MULTILINE)
    assert {"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="} <= set(
        text.splitlines()
    )


@pytest.mark.integration
def test_an_installed_watchman_has_its_rules_pages_and_styles(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("watchman", "rules"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "config.yaml"):
        shutil.copy(ROOT / name, source)
    accepts(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, source)
    (wheel,) = tmp_path.glob("watchman-*.whl")
    packed = {re.sub(r"^watchman-[^/]+\.data/data/", "", name) for name in zipfile.ZipFile(wheel).namelist()}
    rules = {f"share/watchman/rules/{path.name}" for path in ROOT.glob("rules/*.yaml")}
    parts = [path for kind in ("templates", "static") for path in ROOT.glob(f"watchman/**/{kind}/*") if path.is_file()]
    wanted = rules | {"share/watchman/config.yaml"} | {str(path.relative_to(ROOT)) for path in parts}
    assert len(rules) >= 5
    assert wanted - packed == set()


@pytest.mark.parametrize(
    ("command", "url"),
    [
        ("watchman run --config /etc/watchman/config.yaml", "http://127.0.0.1:9424/-/healthy"),
        ("watchman exporter --config /etc/watchman/config.toml", "http://127.0.0.1:9422/-/healthy"),
        ("watchman run --listen 0.0.0.0:8000", "http://127.0.0.1:8000/-/healthy"),
        ("watchman exporter --listen=[::]:9000", "http://127.0.0.1:9000/-/healthy"),
    ],
)
def test_the_health_check_asks_what_the_container_runs(command: str, url: str) -> None:
    healthcheck = runpy.run_path(str(ROOT / "deploy/image/healthcheck.py"))
    assert healthcheck["health_url"](command.split()) == url
