"""A small dockprom on loopback: services to scrape that can go away, rules of its kind, Prometheus, Alertmanagers."""

from __future__ import annotations

import json
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml
from servers import free_port

# What dockprom watches, in our words: services, the host, containers. Its waiting times are cut to a second.
RULES = {
    "groups": [
        {
            "name": "targets",
            "rules": [
                {
                    "alert": "monitor_service_down",
                    "expr": "up == 0",
                    "for": "1s",
                    "labels": {"severity": "critical"},
                    "annotations": {"summary": "{{ $labels.job }} is down", "description": "Nothing scraped."},
                }
            ],
        },
        {
            "name": "host",
            "rules": [
                {
                    "alert": "high_load",
                    "expr": "node_load1 > 1.5",
                    "for": "1s",
                    "labels": {"severity": "warning"},
                    "annotations": {"summary": "The host is busy", "description": "Load {{ $value }}."},
                }
            ],
        },
        {
            "name": "containers",
            "rules": [
                {
                    "alert": "web_down",
                    "expr": 'absent(container_memory_usage_bytes{name="web"}) and on () up{job="host"} == 1',
                    "for": "1s",
                    "labels": {"severity": "critical"},
                    "annotations": {"summary": "Container web is gone"},
                }
            ],
        },
    ]
}
DOWN, BUSY, GONE = "nas is down", "The host is busy", "Container web is gone"


class Service:
    """One thing to scrape. `values` are its series; `close` takes it down, `open` brings it back on its port."""

    def __init__(self, **values):
        self.port, self.values, self.server = free_port(), dict(values), None

    def open(self):
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = "".join(f"{name} {value}\n" for name, value in service.values.items()).encode()
                self.send_response(200)
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


class Slack:
    """A receiver that is not watchman: keeps the summaries of what an Alertmanager posts to it."""

    def __init__(self):
        slack, self.heard = self, []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                slack.heard += [(one["status"], one["annotations"]["summary"]) for one in document["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def prometheus_config(folder, jobs, alertmanagers):
    """prometheus.yml with dockprom's rules; `jobs` and `alertmanagers` are ports."""
    rules = folder / "alert.rules"
    rules.write_text(yaml.safe_dump(RULES))
    targets = [f"127.0.0.1:{port}" for port in alertmanagers]
    return {
        "global": {
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "evaluation_interval": "1s",
            "external_labels": {"monitor": "docker-host-alpha"},
        },
        "rule_files": [str(rules)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": targets}]}]},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for name, port in jobs.items()
        ],
    }


def alertmanager_config(webhook, *, watchman_goes="hook"):
    """alertmanager.yml in which everything goes to one webhook; `watchman_goes` names the receiver of its alerts."""
    return {
        "route": {
            "receiver": "hook",
            "group_by": ["alertname", "instance"],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "4h",
            "routes": [{"matchers": ['sent_by="watchman"'], "receiver": watchman_goes}],
        },
        "receivers": [{"name": "hook", "webhook_configs": [{"url": webhook}]}, {"name": "nowhere"}],
    }


def cluster_args(own, peers):
    """Flags of a member that gossips on loopback; `own` and `peers` are ports."""
    return [
        f"--cluster.listen-address=127.0.0.1:{own}",
        f"--cluster.advertise-address=127.0.0.1:{own}",
        "--cluster.peer-timeout=2s",
        "--cluster.settle-timeout=1s",
        "--cluster.gossip-interval=50ms",
        "--cluster.pushpull-interval=1s",
        *(f"--cluster.peer=127.0.0.1:{port}" for port in peers),
    ]


def listed(server):
    """The summaries of the alerts that an Alertmanager, or what speaks like one, lists."""
    with urllib.request.urlopen(f"{server}/api/v2/alerts", timeout=5) as answer:
        return sorted(one["annotations"].get("summary", "") for one in json.load(answer))
