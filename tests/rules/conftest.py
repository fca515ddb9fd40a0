"""Lets rule tests import the helpers beside them, whatever pytest's import mode is."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

# A busy machine is no fault of the law under test.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")
