"""Waivers and sign-offs as files: what is read, and that every malformation denies."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate import waiverfile
from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Signoff, State, Waiver
from pytest_relgate.waiverfile import parse_signoffs, parse_waivers

Parse = Callable[[bytes, str], tuple[object, ...]]

WAIVER = """\
[[waiver]]
gate = "test_core.py::TestCargo::test_gate[fmt]"
release = "v0.1.10"
states = ["FAILED", "FLAKY"]
reason = "known upstream"
owner = "ada"
approver = "grace"
created = "2026-03-01T12:00:00Z"
expires = "2026-03-08T12:00:00Z"
"""

SIGNOFF = """\
[[signoff]]
gate = "test_core.py::TestCargo::test_gate[fmt]"
tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
person = "ada"
cause = "the runner lost its disk"
"""

READ = Waiver(
    gate="test_core.py::TestCargo::test_gate[fmt]",
    release="v0.1.10",
    states=(State.FAILED, State.FLAKY),
    reason="known upstream",
    owner="ada",
    approver="grace",
    created="2026-03-01T12:00:00Z",
    expires="2026-03-08T12:00:00Z",
)

SIGNED = Signoff(
    gate="test_core.py::TestCargo::test_gate[fmt]",
    tree="4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    person="ada",
    cause="the runner lost its disk",
)


def changed(text: str, key: str, value: str) -> str:
    """Return ``text`` with the line of ``key`` replaced."""
    new, count = re.subn(rf"(?m)^{key} = .*$", lambda _: value, text)
    assert count == 1
    return new


def problem(parse: Parse, text: str, name: str = "c/waivers.toml") -> str:
    with pytest.raises(RelgateError) as caught:
        parse(text.encode(), name)
    return str(caught.value)


def test_a_waiver_is_read() -> None:
    assert parse_waivers(WAIVER.encode(), "waivers.toml") == (READ,)
    assert type(parse_waivers(WAIVER.encode(), "waivers.toml")[0]) is Waiver


def test_a_signoff_is_read() -> None:
    assert parse_signoffs(SIGNOFF.encode(), "signoffs.toml") == (SIGNED,)
    assert type(parse_signoffs(SIGNOFF.encode(), "signoffs.toml")[0]) is Signoff


def test_the_files_write_exactly_the_fields_of_the_model() -> None:
    assert waiverfile._Waiver.__struct_fields__ == Waiver.__struct_fields__
    assert waiverfile._Signoff.__struct_fields__ == Signoff.__struct_fields__


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"\xef\xbb\xbf", b"waiver = []", b"\r\n"])
def test_a_file_without_waivers_holds_none(text: bytes) -> None:
    assert parse_waivers(text, "waivers.toml") == ()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"2026-03-01T12:00:00Z"', "2026-03-01T12:00:00Z"),
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
        ("2026-03-01 12:00:00Z", "2026-03-01T12:00:00Z"),
        ('"2026-03-01t12:00:00z"', "2026-03-01T12:00:00Z"),
        ('"2026-03-01 12:00:00Z"', "2026-03-01T12:00:00Z"),
        ("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00Z"),
        ('"2026-03-01T00:30:00+02:00"', "2026-02-28T22:30:00Z"),
        ('"2026-03-01T12:00:00-00:00"', "2026-03-01T12:00:00Z"),
        ('"2026-03-01T12:00:00.5Z"', "2026-03-01T12:00:00.500000Z"),
        ('"2026-03-01T12:00:00.123456789Z"', "2026-03-01T12:00:00.123456Z"),
    ],
)
def test_a_time_is_read_as_utc(written: str, read: str) -> None:
    (waiver,) = parse_waivers(changed(WAIVER, "created", f"created = {written}").encode(), "waivers.toml")
    assert waiver.created == read


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-01T12:00:00",
        "2026-03-01",
        "12:00:00",
        "5",
        "true",
        '""',
        '"never"',
        '"2026-03-01"',
        '"2026-03-01T12:00:00"',
        '"2026-03-01T12:00Z"',
        '"2026-03-01T24:00:00Z"',
        '"2026-03-01T12:00:60Z"',
        '"2026-02-30T12:00:00Z"',
        '"2026-13-01T12:00:00Z"',
        '"20260301T120000Z"',
        '"2026-W10-1T12:00:00Z"',
        '"2026-03-01T12:00:00+99:00"',
        '"2026-03-01T12:00:00+0200"',
        '"2026-03-01T12:00:00 UTC"',
        '" 2026-03-01T12:00:00Z"',
        '"2026-03-01T12:00:00Z\\n"',
        '"0001-01-01T00:00:00+14:00"',
        '"9999-12-31T23:59:59-14:00"',
        '"٢٠٢٦-03-01T12:00:00Z"',
        "0001-01-01T00:00:00+14:00",
    ],
)
@pytest.mark.parametrize(("key", "line"), [("created", 8), ("expires", 9)])
def test_what_is_no_instant_denies(key: str, line: int, time: str) -> None:
    said = problem(parse_waivers, changed(WAIVER, key, f"{key} = {time}"))
    assert said.startswith(f"c/waivers.toml:{line}: waiver[0].{key}: expected a time with an offset such as ")


NEVER = [state for state in State if not state.waivable]


@pytest.mark.parametrize("state", NEVER)
def test_a_state_that_can_never_be_waived_denies(state: State) -> None:
    said = problem(parse_waivers, changed(WAIVER, "states", f'states = ["FAILED",\n "{state}"]'))
    assert said.startswith(
        "c/waivers.toml:5: waiver[0].states[1]: expected a state that may be waived (FAILED, "
    )
    assert said.endswith(f'found "{state}", which never is')


@pytest.mark.parametrize("state", [state for state in State if state.waivable])
def test_every_other_state_can_be_waived(state: State) -> None:
    (waiver,) = parse_waivers(changed(WAIVER, "states", f'states = ["{state}"]').encode(), "waivers.toml")
    assert waiver.states == (state,)


@pytest.mark.parametrize(
    ("key", "line", "value", "said"),
    [
        ("gate", 2, "gate = 5", 'gate: expected the id of a gate such as "test_core.py::test_gate[fmt]"'),
        ("gate", 2, 'gate = ""', "gate: expected the id of a gate"),
        ("gate", 2, 'gate = "*"', "gate: expected the id of a gate"),
        ("gate", 2, 'gate = "a.py::b\\nc"', "gate: expected the id of a gate"),
        ("release", 3, 'release = "0.1.10"', 'release: expected a release such as "v0.1.10", found'),
        ("release", 3, 'release = "v0.1"', "release: expected a release"),
        ("release", 3, 'release = "v0.01.1"', "release: expected a release"),
        ("release", 3, 'release = "v00.1.1"', "release: expected a release"),
        ("release", 3, 'release = "v0.1.10-01"', "release: expected a release"),
        ("release", 3, 'release = "v0.1.*"', "release: expected a release"),
        ("release", 3, 'release = "v0.1.10\\n"', "release: expected a release"),
        ("release", 3, "release = 0.1", "release: expected a release"),
        ("states", 4, "states = []", "states: expected an array of at least one: a state that"),
        ("states", 4, 'states = "FAILED"', "states: expected an array of at least one"),
        ("states", 4, 'states = ["failed"]', 'found "failed"; did you mean "FAILED"?'),
        ("states", 4, 'states = ["FAILED", "FAIL"]', "waiver[0].states[1]: expected a state that"),
        ("states", 4, "states = [1]", "waiver[0].states[0]: expected a state that may be waived"),
        ("states", 4, 'states = ["FLAKY", "FLAKY"]', "states: expected each state once, found one"),
        ("reason", 5, 'reason = ""', 'reason: expected words that say why, found ""'),
        ("reason", 5, 'reason = " \\t\\n"', "reason: expected words that say why, found "),
        ("reason", 5, 'reason = "a\\u001b[2Jb"', "reason: expected words that say why, found "),
        ("reason", 5, "reason = 1", "reason: expected words that say why, found 1"),
        ("owner", 6, 'owner = " "', "owner: expected the name of a person, found "),
        ("owner", 6, 'owner = ["ada"]', "owner: expected the name of a person, found an array"),
        ("approver", 7, 'approver = ""', "approver: expected the name of a person, found "),
        ("approver", 7, 'approver = "gra\\nce"', "approver: expected the name of a person, found "),
        ("expires", 9, 'expires = "2026-03-01T12:00:00Z"', "expires: expected a time after created"),
        ("expires", 9, 'expires = "2026-03-01T12:30:00+01:00"', "expires: expected a time after created"),
        ("reason", 5, 'raeson = "x"', 'unknown key "raeson" in [[waiver]]; did you mean "reason"?'),
        ("expires", 9, 'expiration_dat = "2026-03-08T12:00:00Z"', 'unknown key "expiration_dat" in'),
        ("owner", 6, 'owner = "ada"\n\nscope = "all"', 'unknown key "scope" in [[waiver]]; expected "'),
    ],
)  # fmt: skip
def test_a_malformed_waiver_denies_with_its_line(key: str, line: int, value: str, said: str) -> None:
    text = changed(WAIVER, key, value)
    line += 2 if "scope" in value else 0
    assert problem(parse_waivers, text).startswith(f"c/waivers.toml:{line}: ")
    assert said in problem(parse_waivers, text)
    # The same in a second waiver, after a good one.
    assert problem(parse_waivers, WAIVER + text).startswith(f"c/waivers.toml:{line + 9}: ")


@pytest.mark.parametrize("key", Waiver.__struct_fields__)
def test_a_waiver_without_a_key_denies(key: str) -> None:
    said = problem(parse_waivers, changed(WAIVER, key, ""))
    assert said.startswith(f'c/waivers.toml:1: missing key "{key}" in [[waiver]]; expected ')


@pytest.mark.parametrize("key", Signoff.__struct_fields__)
def test_a_signoff_without_a_key_denies(key: str) -> None:
    said = problem(parse_signoffs, changed(SIGNOFF, key, ""))
    assert said.startswith(f'c/waivers.toml:1: missing key "{key}" in [[signoff]]; expected ')


@pytest.mark.parametrize(
    ("key", "line", "value", "said"),
    [
        ("gate", 2, 'gate = "fmt"', "signoff[0].gate: expected the id of a gate"),
        ("tree", 3, 'tree = "4b825dc"', 'signoff[0].tree: expected the whole id of a tree, found "4b825dc"'),
        ("tree", 3, f'tree = "{"A" * 40}"', "signoff[0].tree: expected the whole id of a tree"),
        ("tree", 3, f'tree = "{"a" * 41}"', "signoff[0].tree: expected the whole id of a tree"),
        ("person", 4, 'person = ""', "signoff[0].person: expected the name of a person"),
        ("cause", 5, 'cause = " "', "signoff[0].cause: expected words that say why"),
        ("cause", 5, 'cause = "x"\nexpires = "x"', 'unknown key "expires" in [[signoff]]'),
    ],
)
def test_a_malformed_signoff_denies_with_its_line(key: str, line: int, value: str, said: str) -> None:
    line += value.count("\n")
    assert problem(parse_signoffs, changed(SIGNOFF, key, value)).startswith(f"c/waivers.toml:{line}: {said}")


@pytest.mark.parametrize("tree", ["a" * 40, "0" * 64])
def test_a_whole_tree_id_signs(tree: str) -> None:
    (signed,) = parse_signoffs(changed(SIGNOFF, "tree", f'tree = "{tree}"').encode(), "signoffs.toml")
    assert signed.tree == tree


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[waiver]\n", "c/waivers.toml:1: waiver: expected tables written [[waiver]], found a table"),
        ("\n[[wavier]]\n", 'c/waivers.toml:2: unknown key "wavier" in the top level; did you mean "waiver"?'),
        ("waiver = 1", "c/waivers.toml:1: waiver: expected tables written [[waiver]], found 1"),
        ("waiver = [\n1]", "c/waivers.toml:2: waiver[0]: expected a table, found 1"),
        ("\n[[waiver]\n", "c/waivers.toml:2: expected TOML, found an error in its syntax: "),
        (
            "schema = 1\n" + WAIVER,
            'c/waivers.toml:1: unknown key "schema" in the top level; expected "waiver"',
        ),
    ],
)
def test_a_file_that_is_no_list_of_waivers_denies(text: str, said: str) -> None:
    assert problem(parse_waivers, text).startswith(said)


@pytest.mark.parametrize("states", ['["FAILED", "FLAKY"]', '["FLAKY"]', '["PENDING", "FAILED"]'])
def test_two_waivers_for_one_state_deny(states: str) -> None:
    said = problem(parse_waivers, WAIVER + "\n" + changed(WAIVER, "states", f"states = {states}"))
    assert re.match(
        r'c/waivers\.toml:11: expected one waiver for \w+ of "test_core\.py::.* in v0\.1\.10, ', said
    )
    assert said.endswith("found a second one (first: line 1)")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gate", 'gate = "test_core.py::TestCargo::test_gate[test]"'),
        ("release", 'release = "v0.1.11"'),
        ("states", 'states = ["PENDING"]'),
    ],
)
def test_waivers_for_different_things_stand_together(key: str, value: str) -> None:
    assert len(parse_waivers((WAIVER + changed(WAIVER, key, value)).encode(), "waivers.toml")) == 2


def test_one_person_signs_a_tree_once() -> None:
    said = problem(parse_signoffs, SIGNOFF + SIGNOFF)
    assert said.startswith('c/waivers.toml:6: expected one sign-off of "ada" for "test_core.py::')
    assert said.endswith("found a second one (first: line 1)")
    two = SIGNOFF + changed(SIGNOFF, "person", 'person = "grace"')
    assert len(parse_signoffs(two.encode(), "signoffs.toml")) == 2


def test_a_reason_of_several_lines_is_folded() -> None:
    text = changed(WAIVER, "reason", 'reason = """\nwrong about\n  generated\tcode\n"""')
    assert parse_waivers(text.encode(), "waivers.toml")[0].reason == "wrong about generated code"


WORDS = st.text('abé"\\.', min_size=1, max_size=6).filter(lambda word: re.search(r"\w", word))
STATES = st.lists(st.sampled_from([state for state in State if state.waivable]), min_size=1, unique=True).map(
    tuple
)
RELEASES = st.sampled_from(["v0.1.10", "v1.0.0-rc.1", "v2.0.0+b1", "v10.20.30-a-b.c.0.1x"])
TIMES = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))


@st.composite
def waivers(draw: st.DrawFn) -> Waiver:
    first, second = sorted(draw(st.lists(TIMES, min_size=2, max_size=2, unique=True)))
    created, expires = (time.isoformat().replace("+00:00", "Z") for time in (first, second))
    gate = draw(WORDS.map(lambda word: f"test_a.py::test_gate[{word}]"))
    return Waiver(gate, draw(RELEASES), draw(STATES), draw(WORDS), draw(WORDS), draw(WORDS), created, expires)


@given(st.lists(waivers(), max_size=3, unique_by=lambda one: one.gate), st.sampled_from(["string", "native"]))
def test_every_valid_waiver_is_read_as_it_was_written(many: list[Waiver], times: str) -> None:
    def line(key: str, value: object) -> str:
        bare = times == "native" and key in {"created", "expires"}
        return f"{key} = {value if bare else json.dumps(value, ensure_ascii=False)}\n"

    text = "".join(
        "[[waiver]]\n" + "".join(line(key, value) for key, value in msgspec.to_builtins(one).items())
        for one in many
    )
    assert parse_waivers(text.encode(), "waivers.toml") == tuple(many)


@given(st.sampled_from([parse_waivers, parse_signoffs]), st.binary() | st.text().map(str.encode))
def test_no_bytes_at_all_raise_anything_else(parse: Parse, text: bytes) -> None:
    survives(parse, text)


@given(st.data(), st.sampled_from([(parse_waivers, WAIVER), (parse_signoffs, SIGNOFF)]))
def test_no_slip_of_the_pen_raises_anything_else(data: st.DataObject, case: tuple[Parse, str]) -> None:
    parse, text = case
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        pieces = [*"[]{}=,.\"'\\\n#1t", "[[", "x = 1\n", '"""', "-1", "a.b", "\u2028", "[[waiver]]\n"]
        text = text[:start] + data.draw(st.sampled_from(pieces)) + text[end:]
    survives(parse, text.encode())


def survives(parse: Parse, text: bytes) -> None:
    """Read ``text``; hold any refusal to one line with a place, and let anything else through."""
    said = "waivers.toml: read"
    try:
        parse(text, "waivers.toml")
    except RelgateError as error:
        said = str(error)
    assert re.match(r"waivers\.toml(:[1-9][0-9]*)?: ", said)
    assert said.isprintable()
