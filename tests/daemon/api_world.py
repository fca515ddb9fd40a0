"""A home whose API is asked: by Flask's test client, or over a real socket by programs of others."""

from __future__ import annotations

import time
from dataclasses import replace

from servers import free_port
from world import World

from watchman.app import web_ports
from watchman.web.app import create_app
from watchman.web.guard import Access
from watchman.web.server import WebServer

CONFIG = """\
prometheus: {url: http://127.0.0.1:9}
site: {name: home, timezone: Europe/Berlin}
rule_files: [rules.yaml]
receivers:
  - {name: phone, apprise: ["ntfy://topic:secret@127.0.0.1:9/home"]}
  - {name: mail, apprise: []}
route:
  receiver: phone
  group_by: [alertname]
  group_wait: 0s
  routes:
    - {receiver: mail, matchers: ['severity="critical"'], continue: true}
inhibit_rules:
  - {source_matchers: [alertname="Root"], target_matchers: [alertname="Leaf"], equal: [host]}
"""
# The same for an Alertmanager.
ALERTMANAGER = {
    "route": {
        "receiver": "phone",
        "group_by": ["alertname"],
        "routes": [{"receiver": "mail", "matchers": ['severity="critical"'], "continue": True}],
    },
    "receivers": [{"name": "phone"}, {"name": "mail"}],
    "inhibit_rules": [
        {"source_matchers": ['alertname="Root"'], "target_matchers": ['alertname="Leaf"'], "equal": ["host"]}
    ],
}


class ApiWorld(World):
    """A World with an API on it. Its clock begins now and stands, unless it is `live`."""

    def __init__(self, folder, config=CONFIG, *, live=False, **files):
        super().__init__(folder, config=config, **files)
        self.clock.at = time.time()
        if live:
            self.clock.now = time.time
        self.access = Access()
        self.server = None
        ports = web_ports(self.context, lambda: None, lambda: True)
        self.app = create_app(replace(ports, access=lambda: self.access))
        self.client = self.app.test_client()

    def serve(self):
        """Listen on a free port; returns the base URL. `close` ends it."""
        port = free_port()
        self.server = WebServer(self.app, f"127.0.0.1:{port}")
        self.server.start()
        return f"http://127.0.0.1:{port}"

    def close(self):
        if self.server is not None:
            self.server.close()
        self.context.store.close()
