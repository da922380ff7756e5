"""The sandbox's world on disk: whole whatever happens, one change at a time. SPEC B11."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.store import Store
from pytest_relgate.sandbox.world import Asset, Release, Secret, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def count(world: World) -> World:
    return msgspec.structs.replace(world, tick=world.tick + 1)


def with_secret(world: World, name: str) -> World:
    secret = Secret(name, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    return msgspec.structs.replace(world, secrets=(*world.secrets, secret))


def test_a_change_is_there_for_every_reader(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    assert one.read() == other.read() == World()
    made = one.change(count)
    assert made.tick == 1001
    assert other.read() == one.read() == made


def test_threads_and_processes_lose_no_change(tmp_path: Path) -> None:
    program = (
        "import sys, msgspec; from pathlib import Path; from pytest_relgate.sandbox.store import Store;"
        "store = Store(Path(sys.argv[1]));"
        "[store.change(lambda w: msgspec.structs.replace(w, tick=w.tick + 1)) for _ in range(20)]"
    )
    store = Store(tmp_path)
    others = [subprocess.Popen([sys.executable, "-c", program, tmp_path]) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.change(count), range(40)))
    assert [other.wait() for other in others] == [0, 0]
    assert store.read().tick == 1000 + 80


def test_a_kill_at_any_moment_leaves_a_whole_world(tmp_path: Path) -> None:
    program = (
        "import sys, msgspec; from pathlib import Path; from pytest_relgate.sandbox.store import Store\n"
        "store = Store(Path(sys.argv[1]), make=lambda _: 1 / 0)\n"
        "while True: store.put(str(store.change("
        "lambda w: msgspec.structs.replace(w, tick=w.tick + 1)).tick).encode())\n"
    )
    before = Store(tmp_path).change(count).tick
    for pause in (0.0, 0.013, 0.029):
        process = subprocess.Popen([sys.executable, "-c", program, tmp_path])
        while Store(tmp_path).read().tick == before:
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        store = Store(tmp_path, make=lambda _: World(tick=1))  # a damaged world would be made anew
        assert store.read().tick > before
        assert store.notes == []
        before = store.change(count).tick
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".world.")] == [".world.lock"]


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".world.js.abc").write_bytes(b"half")
    Store(tmp_path).change(count)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".world.lock", "world.json"]


def test_overlays_are_seen_in_their_order_and_never_kept(tmp_path: Path) -> None:
    store = Store(tmp_path, [lambda w, _: with_secret(w, "A"), lambda w, _: with_secret(w, "B")])
    assert [secret.name for secret in store.read().secrets] == ["A", "B"]
    assert store.change(count).secrets == ()
    assert [secret.name for secret in store.read().secrets] == ["A", "B"]
    assert Store(tmp_path).read() == store.truth() == World(tick=1001)


def test_an_overlay_may_use_the_store_and_change_with_time(tmp_path: Path) -> None:
    class Counting:
        restless = True
        calls = 0

        def __call__(self, world: World, store: Store) -> World:
            self.calls += 1
            return with_secret(world, f"{store.target}-{self.calls}")

    store = Store(tmp_path, [Counting()], target="0.1.10")
    assert [store.read().secrets[0].name for _ in range(2)] == ["0.1.10-1", "0.1.10-2"]


def test_what_did_not_change_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.read()
    monkeypatch.setattr(Store, "_load", lambda _: pytest.fail("it was read again"))
    assert store.read() is store.read()


def whole(store: Store) -> World:
    asset = Asset(1, "a", store.put(b"bytes"), 5, None, "2026-01-01T00:00:00Z")
    release = Release(2, "v1.0.0", "v1.0.0", "", "2026-01-01T00:00:00Z", None, assets=(asset,))
    return World(tick=5, releases=(release,))


@pytest.mark.parametrize(
    ("damage", "note"),
    [
        (lambda home: (home / "world.json").write_bytes(b'{"stamp": "now", "wor'), "damaged"),
        (lambda home: (home / "world.json").write_bytes(b"\xff"), "damaged"),
        (
            lambda home: (home / "world.json").write_bytes(b'{"stamp": "now", "world": {"runs": 3}}'),
            "damaged",
        ),
        (lambda home: next((home / "blobs").glob("*/*")).unlink(), "lost 1 of its files"),
    ],
    ids=["cut", "bytes", "another shape", "lost bytes"],
)
def test_a_damaged_world_is_made_anew_with_one_line(
    tmp_path: Path, damage: Callable[[Path], object], note: str
) -> None:
    Store(tmp_path, make=whole, stamp="now").change(count)
    damage(tmp_path)
    store = Store(tmp_path, make=whole, stamp="now")
    assert store.read().tick == 5
    assert len(store.notes) == 1
    assert note in store.notes[0]
    assert store.get(store.read().releases[0].assets[0].blob) == b"bytes"


def test_a_world_of_another_version_is_made_anew_with_one_line(tmp_path: Path) -> None:
    Store(tmp_path, make=whole, stamp="before").change(count)
    store = Store(tmp_path, make=whole, stamp="now")
    assert store.read().tick == 5
    assert store.notes == ["the sandbox's world was made by another version and is made anew"]
    again = Store(tmp_path, make=whole, stamp="now")
    assert (again.read().tick, again.notes) == (5, [])


def test_a_store_that_cannot_make_a_world_takes_it_as_it_is(tmp_path: Path) -> None:
    Store(tmp_path, make=whole, stamp="now").read()
    assert Store(tmp_path).change(count).tick == 6
    again = Store(tmp_path, make=whole, stamp="now")
    assert (again.read().tick, again.notes) == (6, [])


def test_bytes_are_kept_once_by_their_digest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    blob = store.put(b"some bytes")
    assert blob == hashlib.sha256(b"some bytes").hexdigest()
    age = store.path(blob).stat().st_mtime_ns
    assert store.put(b"some bytes") == blob
    assert (store.get(blob), store.path(blob).stat().st_mtime_ns) == (b"some bytes", age)
    with pytest.raises(RelgateError, match=r"^the sandbox has lost the bytes 0{12}: type relgate sandbox"):
        store.get("0" * 64)


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.change(count)
    with pytest.raises(ZeroDivisionError):
        store.change(lambda _: World(tick=1 // 0))
    assert store.read().tick == 1001


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RelgateError, match=r"^the sandbox cannot be written at .*XDG_CACHE_HOME") as caught:
        Store(tmp_path / "file" / "home").change(count)
    assert "\n" not in str(caught.value)
