"""Whatever stands in seal and journal is answered, and nothing that matters is believed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import convert, to_builtins

from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.model import Condition, State
from tests.evidence.record.conftest import Forge

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench
    from pytest_relgate.model import Gate

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
DOCS = Condition("changed", "docs", ("docs/**",))


REE = {"environment", "not_checked", "started"}
FREE = {"environment", "not_checked", "started"}
FREE_OF_GATES = {"title", "why", "where", "remedy"}


@pytest.fixture(scope="module")
def whole(new_bench: Callable[[], Bench], a_gate: Callable[..., Gate]) -> Bench:
    """Evidence with a bit of everything, which each user leaves as it was."""
    bench = new_bench()
    bench.lock(a_gate(ONE), a_gate(TWO), a_gate("test_gates.py::test_three", conditions=(DOCS,)))
    bench.run({ONE: State.ERRORED, TWO: State.PASSED})
    bench.run()
    return bench


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON document."""
    match value:
        case dict():
            return [path, *(place for key, one in value.items() for place in places(one, (*path, key)))]
        case list():
            return [path, *(place for key, one in enumerate(value) for place in places(one, (*path, key)))]
        case _:
            return [path]


def put(value: Any, path: tuple[Any, ...], new: object) -> Any:
    """The document with something else in one place."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "PASSED", "FAILED", "HEAD", "..", "/", "\0", "v0.1.0", "0" * 40, "a\nb"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.just([]),
    st.just({}),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_seal_says_is_answered_and_nothing_that_matters_is_believed(
    whole: Bench, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    forge = Forge(whole)
    before = to_builtins(forge.evidence)
    after = before
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(after)))
        after = put(after, place, data.draw(VALUES))
    try:
        forge.evidence = convert(after, seal.Evidence)
    except ValueError:
        return
    folder = tmp_path_factory.mktemp("forged") / "prerelease"
    shutil.copytree(whole.folder(), folder)
    forge.write(folder)
    found = whole.verify(folder)
    if found.finding == "PASSED":
        assert _what_matters(forge.evidence) == _what_matters(whole.evidence())


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_journal_says_is_answered(
    whole: Bench, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    forge = Forge(whole)
    entries = to_builtins(forge.entries)
    for _ in range(data.draw(st.integers(1, 3))):
        entries = put(entries, data.draw(st.sampled_from(places(entries)[1:])), data.draw(VALUES))
    try:
        forge.entries = convert(entries, list[journals.Entry])
    except ValueError:
        return
    folder = tmp_path_factory.mktemp("forged") / "prerelease"
    shutil.copytree(whole.folder(), folder)
    forge.write(folder)
    found = whole.verify(folder)
    assert found.finding in ("PASSED", "BLOCKED", "TAMPERED", "INCOMPLETE", "UNDECIDED")


def _what_matters(evidence: seal.Evidence) -> dict[str, Any]:
    plain = to_builtins(evidence)
    gates = [{key: one[key] for key in one.keys() - FREE_OF_GATES} for one in plain["gates"]]
    return {key: plain[key] for key in plain.keys() - FREE - {"gates", "files", "journal"}} | {"gates": gates}
