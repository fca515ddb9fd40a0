"""One home seen by two rule engines: a thing to scrape, an Alertmanager's ears, and what an API said over time."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ALERT_TEXTS = ("state", "value", "labels", "annotations")


class Thing:
    """Something to scrape whose whole text a test sets."""

    def __init__(self):
        self.text = ""
        thing = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = thing.text.encode()
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


class Ears:
    """What one Alertmanager hears: every alert of every post with the time it came."""

    def __init__(self):
        self.heard = []
        ears = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                assert self.path == "/api/v2/alerts"
                posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                ears.heard += [(time.time(), alert) for alert in posted]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.server_port}"

    def by_alert(self, since):
        """The posts of periods that began after `since`, in order, by the labels of the alert."""
        found = {}
        for at, alert in self.heard:
            if unix(alert["startsAt"]) < since:
                continue
            key = tuple(sorted(alert["labels"].items()))
            found.setdefault(key, []).append(
                {
                    "at": at,
                    "firing": unix(alert["endsAt"]) > at,
                    "starts": unix(alert["startsAt"]),
                    "ends": unix(alert["endsAt"]),
                    "annotations": alert.get("annotations", {}),
                    "generator": alert.get("generatorURL", ""),
                }
            )
        return found

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Watcher:
    """Asks /api/v1/rules of one server again and again and keeps what changed, per alert and per rule."""

    def __init__(self, url):
        self.url = url
        self.alerts = {}
        self.rules = {}

    def look(self):
        """One look; an alert that is not there is None."""
        groups = get(f"{self.url}/api/v1/rules")["data"]["groups"]
        now = {}
        for group in groups:
            if group["name"] == "watchman":
                continue
            for rule in group["rules"]:
                self._note(self.rules, (group["name"], rule["name"]), (rule["health"], rule.get("lastError", "")))
                for alert in rule.get("alerts", ()):
                    key = (group["name"], *sorted(alert["labels"].items()))
                    shown = {name: alert[name] for name in ALERT_TEXTS}
                    shown["kept"] = "keepFiringSince" in alert
                    now[key] = (shown, unix(alert["activeAt"]))
        for key in {*self.alerts, *now}:
            shown, active_at = now.get(key, (None, None))
            self._note(self.alerts, key, shown, active_at)

    def _note(self, where, key, what, at=None):
        seen = where.setdefault(key, [])
        if not seen and what is None:
            return
        if not seen or seen[-1][0] != what:
            seen.append((what, at))


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def unix(text):
    """Unix seconds of a time as Go prints it, with up to nine decimals."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")
