"""Nothing is left behind: children and folder go with the demo, also when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from servers import wait_for

from watchman.demo.guard import end, read
from watchman.demo.processes import Family, find_program, python_env
from watchman.errors import WatchmanError

SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal,time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_family_ends_its_children_and_removes_its_folder() -> None:
    with Family(keep=False) as family:
        child = family.start("sleeper", SLEEP)
        folder = family.folder
        wait_for(lambda: "here" in child.tail(), what="the child's output")
    assert child.process.returncode == -signal.SIGTERM
    assert not folder.exists()


def test_signals_are_heard_again_after_a_family_is_gone() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Family(keep=False):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_ctrl_c_waits_until_a_new_child_is_known_to_the_guard(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    # A run in the background of a shell ignores SIGINT; this one must hear it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    monkeypatch.setenv("WHOM", str(os.getpid()))
    poke = [sys.executable, "-c", "import os, signal; os.kill(int(os.environ['WHOM']), signal.SIGINT)"]
    with Family(keep=False) as family:
        family.start("sleeper", SLEEP)
        with pytest.raises(KeyboardInterrupt):
            family.start("poker", poke).process.wait()
        assert [child.name for child in family.children] == ["sleeper", "poker"]
    assert all(child.process.returncode is not None for child in family.children)


def test_a_kept_folder_holds_the_logs() -> None:
    with Family(keep=True) as family:
        child = family.start("sleeper", SLEEP)
        wait_for(lambda: "here" in child.tail(), what="the child's output")
    assert child.log.read_text() == "here\n"
    child.log.unlink()
    family.folder.rmdir()


def test_the_guard_ends_everything_when_the_demo_is_killed() -> None:
    script = (
        "import sys, time\n"
        "from watchman.demo.processes import Family\n"
        "with Family(keep=False) as family:\n"
        f"    children = [family.start('a', {SLEEP!r}), family.start('b', {SLEEP!r})]\n"
        "    print(*[child.process.pid for child in children], family.folder, flush=True)\n"
        "    time.sleep(600)\n"
    )
    demo = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=python_env())
    assert demo.stdout is not None
    *pids, folder = demo.stdout.readline().split()
    assert all(is_running(int(pid)) for pid in pids)
    demo.send_signal(signal.SIGKILL)
    demo.wait()
    demo.stdout.close()
    wait_for(lambda: not any(is_running(int(pid)) for pid in pids), limit_s=8, what="the end of the children")
    wait_for(lambda: not Path(folder).exists(), limit_s=8, what="the end of the folder")


def test_what_does_not_listen_is_killed_when_patience_ends() -> None:
    with subprocess.Popen(DEAF, stdout=subprocess.PIPE, start_new_session=True) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        moments = iter([0.0, 1.0, 2.0, 99.0])
        end([deaf.pid], 5.0, lambda: next(moments), lambda _: None)
        assert deaf.wait() == -signal.SIGKILL


def test_a_group_that_is_gone_is_no_trouble() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as gone:
        gone.wait()
    end([gone.pid], 5.0, lambda: 0.0, lambda _: None)


def test_the_guard_reads_groups_and_folders_and_skips_the_rest() -> None:
    assert read(["group 12\n", "folder /tmp/with space\n", "noise\n", "group 13\n"]) == ([12, 13], ["/tmp/with space"])


def test_a_child_that_ends_by_itself_is_told_with_its_last_words() -> None:
    with Family(keep=False) as family:
        child = family.start("broken", [sys.executable, "-c", "print('no such config'); raise SystemExit(3)"])
        child.process.wait()
        with pytest.raises(WatchmanError, match=r"broken ended by itself \(exit 3\).*\nno such config"):
            family.check()


def test_a_child_that_does_not_answer_in_time_is_told_with_its_last_words() -> None:
    with Family(keep=False) as family:
        child = family.start("mute", SLEEP)
        wait_for(lambda: "here" in child.tail(), what="the child's output")
        with pytest.raises(WatchmanError, match=r"mute does not answer http://127.0.0.1:1/ after 0 s.*\nhere"):
            family.wait_ready("mute", "http://127.0.0.1:1/", 0)


def test_a_program_that_cannot_be_run_is_one_line() -> None:
    with Family(keep=False) as family, pytest.raises(WatchmanError, match="cannot start ghost: "):
        family.start("ghost", ["/nowhere/ghost"])


def test_a_missing_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(WatchmanError, match=r"^prometheus is not on PATH: .*apt-get install .*prometheus") as missing:
        find_program(("prometheus",), "prometheus")
    assert "\n" not in str(missing.value)


def test_children_do_not_see_the_settings_of_a_real_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONNEN_URL", "http://192.168.1.50")
    monkeypatch.setenv("WATCHMAN_DATA", "/var/lib/watchman")
    assert not {"SONNEN_URL", "WATCHMAN_DATA"} & python_env().keys()
    assert python_env()["PATH"] == os.environ["PATH"]
