"""Rules over recorded history: when each would have fired, and which messages would have reached whom.

`run.replay` folds the slots of the past with the daemon's own engine and dispatch. A `Source` fetches the answers to
one expression in pieces, a `Track` takes one rule through them and skips slots at which nothing can change, a `Desk`
makes messages of alerts, a `World` is all of them together; several worlds side by side are the variants of a sweep.
"""

from watchman.replay.result import Incident, KeptBack, Replay, RuleReplay, Told
from watchman.replay.run import Ports, Setting, Variant, replay, replay_variants

__all__ = [
    "Incident",
    "KeptBack",
    "Ports",
    "Replay",
    "RuleReplay",
    "Setting",
    "Told",
    "Variant",
    "replay",
    "replay_variants",
]
