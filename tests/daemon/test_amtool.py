"""amtool, Alertmanager's own command, and a fuzzer of OpenAPI, against watchman's API over a real socket."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from api_world import ApiWorld
from servers import binary

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path):
    world = ApiWorld(tmp_path, live=True)
    yield world
    world.close()


@pytest.fixture
def amtool(world):
    url = world.serve()

    def run(*arguments, code=0):
        command = [binary("amtool"), f"--alertmanager.url={url}", "--timeout=20s", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, (done.stdout, done.stderr)
        # Not one word about a version that does not fit.
        assert code or done.stderr == ""
        return done.stdout.strip() + done.stderr.strip()

    return run


def ids(text):
    return [one["id"] for one in json.loads(text)]


def test_amtool_adds_and_queries_alerts(amtool):
    amtool("alert", "add", "Hot", "host=h1", "severity=critical", "--annotation=summary=It is hot")
    amtool("alert", "add", "alertname=Cold", "host=h2", "--generator-url=http://x/graph")
    assert "It is hot" in amtool("alert", "query")
    assert "Cold" not in amtool("alert", "query", "Hot")
    found = json.loads(amtool("alert", "query", "host=~h.*", "-o", "json"))
    assert {one["labels"]["host"] for one in found} == {"h1", "h2"}
    assert len(json.loads(amtool("alert", "query", "-r", "mail", "-o", "json"))) == 1
    made = amtool("silence", "add", "Hot", "-c", "known", "-a", "me")
    assert "Hot" not in amtool("alert", "query")
    (silenced,) = json.loads(amtool("alert", "query", "--silenced", "-o", "json"))
    assert silenced["status"]["silencedBy"] == [made]
    assert "http://x/graph" in amtool("alert", "query", "-o", "extended")


def test_amtool_makes_changes_and_ends_silences(amtool):
    made = amtool("silence", "add", "alertname=~H.*", "host!=h2", "-d", "2h", "-c", "known", "-a", "me")
    later = amtool(
        "silence",
        "add",
        "Cold",
        "--start",
        "2099-01-01T00:00:00+00:00",
        "--end",
        "2099-01-02T00:00:00+00:00",
        "-c",
        "x",
    )
    assert ids(amtool("silence", "query", "-o", "json")) == [made, later]
    assert ids(amtool("silence", "query", "alertname=~H.*", "-o", "json")) == [made]
    assert ids(amtool("silence", "query", "--created-by=me", "-o", "json")) == [made]
    assert ids(amtool("silence", "query", "--within", "3h", "-o", "json")) == [made]
    assert made in amtool("silence", "update", made, "-d", "4h", "-c", "longer")
    (changed,) = [one for one in json.loads(amtool("silence", "query", "-o", "json")) if one["id"] == made]
    assert changed["comment"] == "longer"
    assert amtool("silence", "query", "-q") == f"{made}\n{later}"
    assert amtool("silence", "expire", made) == ""
    assert ids(amtool("silence", "query", "-o", "json")) == [later]
    assert ids(amtool("silence", "query", "--expired", "-o", "json")) == [made]
    # Alertmanager of that time said 500, newer ones say 404 as we do.
    assert "status 404" in amtool("silence", "expire", "3f0a7cc4-0000-4000-8000-000000000000", code=1)
    assert "must not match the empty string" in amtool("silence", "add", "a=", "-c", "x", code=1)


def test_amtool_takes_silences_along(amtool, tmp_path):
    for name in ("A", "B"):
        amtool("silence", "add", name, f"text={name}", "-c", "why", "-a", "me")
    file = tmp_path / "silences.json"
    file.write_text(amtool("silence", "query", "-o", "json"))
    amtool("silence", "expire", *ids(file.read_text()))
    assert amtool("silence", "query", "-q") == ""
    amtool("silence", "import", "--force", str(file))
    found = json.loads(amtool("silence", "query", "-o", "json"))
    assert sorted(one["matchers"][0]["value"] for one in found) == ["A", "B"]


def test_amtool_reads_config_routes_and_cluster(amtool):
    assert "receiver: phone" in amtool("config", "show")
    assert "Node Name" in amtool("cluster", "show")
    assert '{severity="critical"}  continue: true  receiver: mail' in amtool("config", "routes", "show")
    assert amtool("config", "routes", "test", "severity=critical") == "mail"
    assert amtool("config", "routes", "test", "severity=warning") == "phone"


# Two times in the wrong order are a valid document and no valid silence; a silence that is ended is still there to be
# read, as in Alertmanager.
CHECKS = "positive_data_acceptance,use_after_free"


def test_the_document_holds_what_it_promises(world, tmp_path):
    url = world.serve()
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{url}/api/v2/openapi.json",
        "--url", url,
        "--exclude-checks", CHECKS,
        "--phases", "examples,coverage,fuzzing,stateful",
        "--max-examples", "25",
        "--max-time", "12",
        "--generation-deterministic",
        "--seed", "1",
        "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
