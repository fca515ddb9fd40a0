import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from house import Daemon, Phone, Post, Thing
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


@pytest.fixture
def thing():
    thing = Thing()
    yield thing
    thing.close()


@pytest.fixture
def phone():
    phone = Phone()
    yield phone
    phone.close()


@pytest.fixture
def post():
    post = Post()
    yield post
    post.close()


@pytest.fixture
def watched(thing, run_prometheus):
    """A real Prometheus that scrapes the thing every second."""
    jobs = [{"job_name": "thing", "scrape_interval": "1s", "static_configs": [{"targets": [thing.address]}]}]
    return run_prometheus(config={"scrape_configs": jobs})


@pytest.fixture
def make_daemon(tmp_path, phone, post):
    """`make_daemon(prometheus_url, ...)`: a daemon that is not started yet."""
    daemons = []

    def make(url, **options):
        folder = tmp_path / f"daemon{len(daemons)}"
        folder.mkdir()
        daemons.append(Daemon(folder, url, phone, post, **options))
        return daemons[-1]

    yield make
    for daemon in daemons:
        daemon.kill()
        print(f"--- watchman\n{daemon.log()}")
