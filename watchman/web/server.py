"""waitress around the WSGI application, in a thread of its own."""

from __future__ import annotations

import threading
from typing import Any

from waitress.server import create_server

from watchman.errors import WatchmanError
from watchman.web.guard import MAX_POST_BYTES


class WebServer:
    """Listens from the moment it is made; `close` ends it."""

    def __init__(self, app: Any, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        try:
            self._server = create_server(
                app,
                host=host.strip("[]"),
                port=int(port),
                threads=4,
                # Connections that say nothing must not keep others out: many are held, none for long. One whose
                # request is being answered is not meant.
                channel_timeout=10,
                cleanup_interval=5,
                connection_limit=500,
                asyncore_use_poll=True,
                max_request_body_size=2 * MAX_POST_BYTES,
                ident=None,
                clear_untrusted_proxy_headers=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no such address"
            raise WatchmanError(f"cannot listen on {listen}: {reason}; choose another web.listen") from error
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Answer requests."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening; requests in flight get a second."""
        self._server.close()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            self._server.run()
        except OSError:
            # close() from another thread takes the sockets away under select; that is how it is meant to end.
            return
