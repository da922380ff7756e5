"""Types are read by many threads at once, as channels are: none sees another's work half done."""

from __future__ import annotations

import subprocess
import sys
import textwrap

THREADS = textwrap.dedent(
    """
    import sys, threading, types
    from pytest_relgate.decoding import read_json

    sys.setswitchinterval(1e-6)
    text = ["from __future__ import annotations", "import msgspec"]
    for number in range(200):
        text += [
            f"class Inner{number}(msgspec.Struct, frozen=True):",
            "    id: int",
            "    name: str",
            "    digest: str | None = None",
            f"class Outer{number}(msgspec.Struct, frozen=True):",
            "    id: int",
            f"    assets: tuple[Inner{number}, ...]",
        ]
    sys.modules["made"] = made = types.ModuleType("made")
    exec("\\n".join(text), made.__dict__)
    together = threading.Barrier(4)
    read = []

    def reads(inner):
        for number in range(200):
            together.wait()
            if inner:
                read.append(read_json(b'{"id": 1, "name": "n"}', getattr(made, f"Inner{number}")))
            else:
                outer = b'{"id": 1, "assets": [{"id": 1, "name": "n", "digest": "d"}]}'
                read.append(read_json(outer, getattr(made, f"Outer{number}")))

    threads = [threading.Thread(target=reads, args=(number % 2,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    print(len(read))
    """
)


def test_types_that_threads_read_for_the_first_time_together() -> None:
    """With msgspec's own function in its place, this process ends with a segmentation fault, each time."""
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "800"), done.stderr[-2000:]
