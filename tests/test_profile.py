"""What a profile may say, and the line that each mistake in one gives."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile import (
    Approvers,
    Base,
    Limits,
    Profile,
    Report,
    Secrets,
    load_profile,
    parse_profile,
)

DOCUMENT = (Path(__file__).parents[1] / "docs" / "profile.md").read_text("utf-8")
EXAMPLE = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)[0]


def problem(text: bytes | str) -> str:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(RelgateError) as caught:
        parse_profile(raw, "c/relgate.toml")
    return str(caught.value)


def test_a_profile_says_what_the_documentation_says() -> None:
    assert parse_profile(EXAMPLE.encode(), "relgate.toml") == Profile(
        project="plasmite",
        schema=1,
        repository="sandover/plasmite",
        under_release=".",
        base=Base(policy="auto"),
        limits=Limits(gate=1800.0),
        changes={
            "dependencies": ("Cargo.toml", "Cargo.lock", "bindings/**/package-lock.json"),
            "performance": ("src/**/*.rs", "benches/", "!src/cli/"),
        },
        present={"artifacts": ("dist/*.tar.gz",)},
        secrets=Secrets(names=("MY_CREDENTIAL", "*_PASSPHRASE")),
        approvers=Approvers(people=("ada", "grace")),
        report=Report(html=True),
    )


def test_only_the_project_is_required() -> None:
    profile = parse_profile(b'project = "p"', "relgate.toml")
    assert profile == Profile(project="p")
    assert profile.limits.gate == 1800.0
    assert type(profile.limits.gate) is float
    assert profile.under_release == "."
    assert profile.base.policy == "auto"
    assert profile.report.html


P = 'project = "p"\n'
LATER = "expected schema = 1, found 2, which needs a later pytest-relgate than "
SANDBOX = 'under_release: expected ".", a relative path, "sandbox" or "sandbox:FAULT,FAULT", found '
AT_LEAST_ONE = "changes.a: expected an array of at least one pattern, found "
PERSON = "approvers.people[1]: expected the name of a person, found "
SYNTAX = "expected TOML, found an error in its syntax: "
NAME = "expected a name of lower-case letters, digits, - and _, a letter first, found "
PATTERN = "expected a gitignore-style pattern, found "


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        # keys
        ("", 1, 'missing key "project" in the top level; expected the name of the project, on one line'),
        ("\n\n[base]\n", 1, 'missing key "project" in the top level'),
        ('\nrepositry = "a/b"', 2, 'unknown key "repositry" in the top level; did you mean "repository"?'),
        ("# 1\n# 2\n\n[Base]\npolicy = 1", 4, 'unknown key "Base" in the top level; did you mean "base"?'),
        ("wat = 1", 1, 'unknown key "wat" in the top level; expected "project", "schema", "repo'),
        ('[base]\npolicy = "any"\npolcy = 1', 3, 'unknown key "polcy" in [base]; did you mean "policy"?'),
        ('[base]\n\nproject = "p"', 3, 'unknown key "project" in [base]; it belongs to the top level, above'),
        ('[limits]\n"a\\nb" = 1', 2, 'unknown key "a\\nb" in [limits]; expected "gate"'),
        ("base.x = 1", 1, 'unknown key "x" in [base]; expected "policy"'),
        # types
        ("project = 5", 1, "project: expected the name of the project, on one line, found 5"),
        ('project = ""', 1, "project: expected the name of the project, on one line, found "),
        ('project = " p"', 1, "project: expected the name of the project, on one line, found "),
        ('project = "a\\nb"', 1, 'project: expected the name of the project, on one line, found "a\\nb"'),
        (P + "schema = true", 2, "schema: expected an integer, found true"),
        (P + "schema = 1.0", 2, "schema: expected an integer, found 1.0"),
        (P + "base = 1", 2, "base: expected a table, found 1"),
        (P + "[[base]]\n", 2, "base: expected a table, found an array"),
        (P + 'changes = ["x"]', 2, "changes: expected a table, found an array"),
        (P + '[report]\nhtml = "yes"', 3, 'report.html: expected true or false, found "yes"'),
        (P + '[approvers]\npeople = "ada"', 3, 'approvers.people: expected an array, found "ada"'),
        (P + '[approvers]\npeople = [\n"a",\n 1979-05-27]', 5, PERSON + "a date"),
        (P + '[approvers]\npeople = [\n"a",\n""]', 5, PERSON),
        # the schema comes before anything else is judged
        ("new = 1\n\nschema = 2", 3, LATER),
        ("schema = 0", 1, "expected schema = 1, found 0, which no pytest-relgate reads"),
        ("schema = 0x" + "f" * 5000, 1, "expected schema = 1, found a very large integer, which"),
        # values
        (P + 'repository = "plasmite"', 2, 'repository: expected "owner/name", found "plasmite"'),
        (P + 'repository = "a/b/c"', 2, 'repository: expected "owner/name", found "a/b/c"'),
        (P + "repository = 'a\"/b'", 2, r'repository: expected "owner/name", found "a\"/b"'),
        (P + 'repository = "a/.."', 2, 'repository: expected "owner/name", found "a/.."'),
        (P + 'repository = "git@github.com:o/n.git"', 2, 'n.git"; did you mean "o/n"?'),
        (P + 'under_release = ""', 2, SANDBOX + '""'),
        (P + 'under_release = "/srv/x"', 2, SANDBOX + '"/srv/x"'),
        (P + 'under_release = " x"', 2, SANDBOX + '" x"'),
        (P + 'under_release = "~/x"', 2, SANDBOX + '"~/x"'),
        (P + 'under_release = "https://x/y"', 2, SANDBOX + '"https://x/y"'),
        (P + 'under_release = "sandbox:"', 2, SANDBOX + '"sandbox:"'),
        (P + 'under_release = "sandbox:a, b"', 2, SANDBOX + '"sandbox:a, b"'),
        (P + 'under_release = "sandbox:a,a"', 2, SANDBOX + '"sandbox:a,a"'),
        (P + "under_release = 1", 2, 'under_release: expected ".", a relative path or "sandbox", found 1'),
        (P + '[base]\npolicy = "Stabel"', 3, '"auto" or "stable", found "Stabel"; did you mean "stable"?'),
        (P + "[base]\npolicy = 1", 3, 'base.policy: expected "any", "auto" or "stable", found 1'),
        (P + '[limits]\ngate = "25h"', 3, "limits.gate: expected a duration above 0 and up"),
        (P + "[limits]\ngate = []", 3, "limits.gate: expected a duration such as 90, "),
        # change sets and presences
        (P + "[changes]\na = []", 3, AT_LEAST_ONE + "an empty array"),
        (P + '[changes]\na = "src"', 3, AT_LEAST_ONE + '"src"'),
        (P + "[changes.a]\n", 2, AT_LEAST_ONE + "a table"),
        (P + '[changes]\na = [\n"x",\n2]\nb = 1', 5, "changes.a[1]: expected a gitignore-style pattern,"),
        (P + '[changes]\na = ["x"]\nb = ["x"]\nc = 1', 5, "changes.c: expected an array of"),
        (P + '[changes]\nok = ["x"]\nbad = 1\n[report]\nhtml = 1', 4, "changes.bad: expected"),
        (P + '[changes]\nok = ["x"]\nBad = ["x"]', 4, f'[changes]: {NAME}"Bad"'),
        (P + '[changes]\nok = ["x"]\n"..." = ["x"]', 4, f'[changes]: {NAME}"..."'),
        (P + '[changes]\n1a = ["x"]', 3, f'[changes]: {NAME}"1a"'),
        (P + '[changes]\n"a\\n" = ["x"]', 3, f'[changes]: {NAME}"a\\n"'),
        (P + '[changes]\na = [\n"[z-a]"]', 4, f'changes.a[0]: {PATTERN}"[z-a]", which does not compile'),
        (P + '[present]\na = ["x",\n\n"!"]', 5, f'present.a[1]: {PATTERN}"!", which is empty'),
        (P + '[present]\na = [\n"!x"]', 3, "present.a: expected at least one pattern without"),
        # secrets
        (P + '[secrets]\nnames = ["*"]', 3, "secrets.names[0]: expected the name of an environment"),
        (P + '[secrets]\nnames = ["A", "B-C"]', 3, "secrets.names[1]: expected the name of an environment"),
        (P + '[secrets]\nnames = ["A\\n"]', 3, "secrets.names[0]: expected the name of an environment"),
        # syntax: the line is tomllib's
        ("\n\nproject =", 3, SYNTAX + "Invalid value (at end of document)"),
        ("\n\nproject =\nschema = 1", 3, SYNTAX + "Invalid value (column 10)"),
        (P + "[base]\n[base]\n", 3, SYNTAX + "Cannot declare ('base',) twice"),
        ('\nproject = "p\nschema = 1', 2, SYNTAX + "Illegal character '\\n'"),
        ("a = [\n1,\n", 2, SYNTAX + "Invalid value (at end of document)"),
    ],
)  # fmt: skip
def test_a_mistake_gives_its_line(text: str, line: int, said: str) -> None:
    assert problem(text).startswith(f"c/relgate.toml:{line}: ")
    assert said in problem(text)
    with_crlf = text.replace("\n", "\r\n")
    assert problem(b"\xef\xbb\xbf" + with_crlf.encode()) == problem(text)


def test_a_long_value_is_cut() -> None:
    assert len(problem(f'project = "p"\nrepository = "{"x" * 5000}"')) < 200


@pytest.mark.parametrize("text", ["a = " + "[" * 3000, "a = " + "1" * 5000])
def test_what_tomllib_cannot_hold_is_an_error(text: str) -> None:
    assert (
        problem(text) == "c/relgate.toml: expected TOML, found a number too long or brackets too deep to read"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"\n\nproject = '\xe9'", 3),
        (b"\xef\xbb\xbf\n\n\n\xff", 4),
        ('project = "p"'.encode("utf-16"), 1),
    ],
)
def test_what_is_not_utf_8_gives_its_line(text: bytes, line: int) -> None:
    assert (
        problem(text)
        == f"c/relgate.toml:{line}: expected UTF-8, found a byte that is not; save the file as UTF-8"
    )


def test_the_name_of_the_file_stays_on_one_line() -> None:
    with pytest.raises(RelgateError, match=r"^a\\nb\.toml:1: missing"):
        parse_profile(b"", "a\nb.toml")


class TestFile:
    def test_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "relgate.toml").write_bytes(b'\xef\xbb\xbfproject = "p"\r\n')
        assert load_profile(tmp_path / "relgate.toml") == Profile(project="p")

    def test_is_named_relative_to_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "checks").mkdir()
        (tmp_path / "checks" / "relgate.toml").write_text("x = 1")
        monkeypatch.chdir(tmp_path)
        with pytest.raises(RelgateError, match=r"^checks/relgate\.toml:1: unknown key"):
            load_profile(tmp_path / "checks" / "relgate.toml")

    def test_a_missing_one_names_the_next_command(self, tmp_path: Path) -> None:
        with pytest.raises(
            RelgateError, match=r"relgate\.toml: expected the profile .* found no file; type relgate init"
        ):
            load_profile(tmp_path / "relgate.toml")

    def test_a_directory_is_no_profile(self, tmp_path: Path) -> None:
        with pytest.raises(
            RelgateError, match=r"expected a file that can be read, found that it is a directory$"
        ):
            load_profile(tmp_path)

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(RelgateError, match=r"found that it is no regular file$"):
            load_profile(tmp_path / "pipe")

    @pytest.mark.parametrize("name", ["loop", "file/relgate.toml", "x" * 300])
    def test_what_cannot_be_read_says_why(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "loop").symlink_to("loop")
        (tmp_path / "file").touch()
        with pytest.raises(RelgateError, match=r"found that it cannot be read: [A-Z]"):
            load_profile(tmp_path / name)

    def test_a_path_with_a_nul_is_no_path(self, tmp_path: Path) -> None:
        with pytest.raises(
            RelgateError, match=r"a\\x00b: expected a file that can be read, found that it is no path"
        ):
            load_profile(tmp_path / "a\0b")


def written(profile: Profile) -> str:
    """Return a profile as TOML, every key of it."""

    def value(it: object) -> str:
        return json.dumps(it, ensure_ascii=False)

    def lines(table: dict[str, Any]) -> list[str]:
        return [f"{value(key)} = {value(it)}" for key, it in table.items()]

    tables = msgspec.to_builtins(profile)
    top = {key: it for key, it in tables.items() if not isinstance(it, dict)}
    inner = [f"[{key}]\n" + "\n".join(lines(it)) for key, it in tables.items() if isinstance(it, dict)]
    return "\n".join([*lines(top), *inner])


LINES = st.text('ab .é"\\', max_size=6).map(lambda text: f"x{text}-")
NAMES = st.text("ab1_-", max_size=4).map(lambda text: f"n{text}")
PATTERNS = st.lists(
    st.sampled_from(["src/", "**/*.rs", "/Cargo.toml", "a b", '"', "\\!x"]), min_size=1, max_size=3
)
SETS = st.dictionaries(
    NAMES, st.tuples(PATTERNS, st.booleans()).map(lambda x: tuple(x[0]) + ("!no",) * x[1]), max_size=3
)
PROFILES = st.builds(
    Profile,
    project=LINES,
    repository=st.sampled_from(["", "o/n", "sandover/plasmite", "a-b/c.d_e"]),
    under_release=st.sampled_from(
        [".", "..", "../sibling", "a b/c", "sandbox", "sandbox:npm-late,x", "sandbox2"]
    ),
    base=st.builds(Base, policy=st.sampled_from(["auto", "stable", "any"])),
    limits=st.builds(Limits, gate=st.floats(0, 86400, exclude_min=True)),
    changes=SETS,
    present=SETS,
    secrets=st.builds(Secrets, names=st.lists(st.sampled_from(["A", "*_KEY", "_b1*"])).map(tuple)),
    approvers=st.builds(Approvers, people=st.lists(LINES, max_size=3).map(tuple)),
    report=st.builds(Report, html=st.booleans()),
)


@given(PROFILES)
def test_every_valid_profile_is_read_as_it_was_written(profile: Profile) -> None:
    assert parse_profile(written(profile).encode(), "relgate.toml") == profile


def survives(text: bytes) -> None:
    """Read ``text``; hold any refusal to one line with a place, and let anything else through."""
    said = "relgate.toml: read"
    try:
        parse_profile(text, "relgate.toml")
    except RelgateError as error:
        said = str(error)
    assert re.match(r"relgate\.toml(:[1-9][0-9]*)?: ", said)
    assert said.isprintable()


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_at_all_raise_anything_else(text: bytes) -> None:
    survives(text)


@given(st.data())
def test_no_slip_of_the_pen_raises_anything_else(data: st.DataObject) -> None:
    text = EXAMPLE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        new = data.draw(
            st.sampled_from([*list("[]{}=,.\"'\\\n#1t"), "[[", "x = 1\n", '"""', "-1", "a.b", "\u2028"])
        )
        text = text[:start] + new + text[end:]
    survives(text.encode())


JSON = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


ODD = ["project", "schema", "base", "base.policy", "limits.gate", "changes", "changes.a", "present.b"]
ODD += ["secrets.names", "approvers", "report.html", "repository", "under_release"]


@given(st.sampled_from(ODD), JSON)
def test_no_value_of_any_type_raises_anything_else(key: str, value: object) -> None:
    text = f"{key} = {inline(value)}\n" + ("" if key == "project" else 'project = "p"\n')
    tomllib.loads(text)
    survives(text.encode())


def inline(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{inline(key)} = {inline(it)}" for key, it in value.items()) + "}"
        case list():
            return "[" + ", ".join(inline(it) for it in value) + "]"
        case float():
            return repr(value)
        case _:
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
