"""`watchman demo`: a whole home on one machine. Only the battery and the two catchers stand in for the world.

The battery is `watchman.sonnen.device`, the phone `push`, the mail server `mail`; the exporter, Prometheus,
Alertmanager and the daemon are the real programs in processes of their own, all on loopback.
"""
