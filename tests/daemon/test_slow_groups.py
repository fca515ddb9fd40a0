"""Groups whose queries take long wait with their like; the others keep their slots. The real daemon, a slow server."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from servers import free_port, wait_for

pytestmark = pytest.mark.integration

SLOW_S = 1.5
GROUP = """\
  - name: {name}
    interval: 1s
    rules:
      - {{alert: {name}, expr: {name} > 0}}
"""


class SlowOnes(BaseHTTPRequestHandler):
    """A Prometheus that takes long over every query that names something slow."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "slow" in self.path:
            time.sleep(SLOW_S)
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture
def slow_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowOnes)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def iterations(listen, name):
    """Evaluations and missed ones of a group so far."""
    with urllib.request.urlopen(f"http://{listen}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = {line.partition("{")[0]: float(line.split()[-1]) for line in lines if f';{name}"' in line}
    return (
        found.get("watchman_group_iterations_total", 0.0),
        found.get("watchman_group_iterations_missed_total", 0.0),
    )


def test_many_slow_groups_do_not_keep_a_fast_one_from_its_slots(tmp_path, slow_server):
    listen = f"127.0.0.1:{free_port()}"
    names = ["fast", *(f"slow{number}" for number in range(12))]
    (tmp_path / "rules.yaml").write_text("groups:\n" + "".join(GROUP.format(name=name) for name in names))
    (tmp_path / "config.yaml").write_text(
        f"prometheus: {{url: '{slow_server}'}}\n"
        "site: {name: home, timezone: UTC}\n"
        "rule_files: [rules.yaml]\n"
        "receivers: [{name: nobody}]\n"
        "route: {receiver: nobody}\n"
        f"web: {{listen: '{listen}'}}\n"
    )
    command = [sys.executable, "-m", "watchman", "run", "--config", str(tmp_path / "config.yaml")]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log, env=dict(os.environ)) as daemon:
        try:
            # The first slots of the slow ones are spent learning that they are.
            wait_for(lambda: daemon.poll() is None and reached(listen, 4), 60.0, "the first slots")
            begun = iterations(listen, "fast")
            wait_for(lambda: iterations(listen, "fast")[0] >= begun[0] + 6, 60.0, "six more slots")
            missed = iterations(listen, "fast")[1] - begun[1]
            of_slow = sum(iterations(listen, f"slow{number}")[1] for number in range(12))
        finally:
            daemon.terminate()
            daemon.wait(20)
    assert of_slow > 12
    assert missed <= 1


def reached(listen, count):
    """True once the fast group has had so many slots."""
    try:
        return iterations(listen, "fast")[0] >= count
    except OSError:
        return False
