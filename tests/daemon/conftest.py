import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from world import World


@pytest.fixture
def make_world(tmp_path):
    """`make_world(config=..., rules=...)`: a home whose daemon is stepped by hand."""
    worlds = []

    def make(**files):
        worlds.append(World(tmp_path, **files))
        return worlds[-1]

    yield make
    for world in worlds:
        world.context.store.close()
