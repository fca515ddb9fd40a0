"""A real home on loopback for the running daemon: a thing to scrape, a phone service that can fail, a mail server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller
from servers import free_port, wait_for

ROOT = Path(__file__).parents[2]

RULES = """\
groups:
  - name: g
    interval: 1s
    rules:
      - alert: Hot
        expr: heat > 0
        for: {for_}
        labels: {{severity: critical}}
        annotations: {{summary: "It is hot: {{{{ $value }}}}"}}
"""


class Thing:
    """Something to scrape whose value a test sets; None takes the series away."""

    def __init__(self):
        self.heat = 0.0
        thing = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = b"" if thing.heat is None else f"heat {thing.heat}\n".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Phone:
    """An ntfy server as far as a phone is concerned; `status` is what it answers, `port` outlives `close`."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.status = 200
        self.messages = []
        self.server = None

    def open(self):
        phone = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = phone.status
                if status == 200:
                    phone.messages.append((message.get("title"), message.get("message")))
                body = b'{"id":"x"}' if status == 200 else b'{"error":"no"}'
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def close(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def titles(self):
        return [title for title, _ in self.messages]


class Post:
    """A mail server that keeps what it takes."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.mails = []
        self.controller = None

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append(envelope.content)
        return "250 taken"

    def open(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()
        return self

    def close(self):
        if self.controller is not None:
            self.controller.stop()
            self.controller = None


class Daemon:
    """`watchman run` in a process of its own, on its config and state."""

    def __init__(self, folder, prometheus_url, phone, post, *, for_="0s", extra=""):
        self.folder, self.phone, self.post = folder, phone, post
        self.port = free_port()
        self.process = None
        self.log_file = folder / "watchman.log"
        (folder / "rules.yaml").write_text(RULES.format(for_=for_))
        self.config = folder / "config.yaml"
        self.config.write_text(f"""\
prometheus: {{url: "{prometheus_url}"}}
site: {{name: home, timezone: Europe/Berlin, battery: {{capacity_wh: 16000}}}}
rule_files: [rules.yaml]
receivers:
  - {{name: phone, apprise: ["ntfy://127.0.0.1:{phone.port}/home"]}}
  - {{name: mail, apprise: ["mailto://127.0.0.1:{post.port}/?from=watchman@example.org&to=me@example.org"]}}
route: {{receiver: phone, group_wait: 0s, group_interval: 1s}}
web: {{listen: "127.0.0.1:{self.port}"}}
{extra}""")

    def start(self, *, wait=True):
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "watchman", "run", "--config", str(self.config)],
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )
        if wait:
            wait_for(self.is_ready, what="the daemon to be ready")
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        try:
            return self.get("/-/ready") is not None
        except OSError:
            return False

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def alerts(self):
        return json.loads(self.get("/api/v1/alerts"))["data"]["alerts"]

    def states(self):
        return [alert["state"] for alert in self.alerts() if alert["labels"]["alertname"] == "Hot"]

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def terminate(self):
        self.process.terminate()
        return self.process.wait(10)

    def command(self, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", "watchman", *arguments, "--config", str(self.config)],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def outbox(self, *arguments):
        return json.loads(self.command("outbox", "list", "--json", *arguments)[1])

    def log(self):
        return self.log_file.read_text() if self.log_file.exists() else ""
