"""Expected files from the project's own targets file: the right set, or an error that says what is wrong.

What these tests guard: the set is never empty and never smaller than what the file promises, and nothing that
stands in the file gives a traceback.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.profile import parse_profile
from pytest_relgate.profile.targets import Each, EachHeld, Targets, held_by_channel, names_by_channel

SHAPE = (Path(__file__).parents[1] / "data" / "targets_of_five_channels.json").read_bytes()
SERVED = {"channels.github_sdk": ("official", "preview")}
SDK = Each("demo_{version}_{sdk_platform}.tar.gz", SERVED)


def targets(*each: Each, file: str = "release/targets.json", rows: str = "targets") -> Targets:
    return Targets(file, rows, {"github": each or (SDK,)})


def written(*rows: object) -> bytes:
    return json.dumps({"targets": rows}).encode()


def says(raw: bytes | None, stated: Targets) -> str:
    """What a gate says of this file."""
    with pytest.raises(CannotJudge) as error:
        names_by_channel(stated, raw)
    assert "\n" not in error.value.found
    assert error.value.found.startswith(stated.file)
    assert error.value.where == stated.file
    return error.value.found


def test_rows_give_the_files_of_every_channel_that_serves_them() -> None:
    stated = Targets(
        "release/targets.json",
        "targets",
        {
            "github": (SDK,),
            "npm": (Each("demo-{node_platform}-{version}.tgz", {"channels.npm": ("official",)}),),
            "pypi": (
                Each(
                    "demo-{pep440}-{sdk_platform}.whl",
                    {"channels.pypi": ("official",), "upload_wheel": (True,)},
                ),
                Each("demo-{pep440}.tar.gz", {"upload_sdist": (True,)}),
            ),
            "homebrew": (Each("{sdk_platform}-{channels.npm}", {"channels.homebrew": ("official",)}),),
        },
    )
    assert names_by_channel(stated, SHAPE) == {
        "github": tuple(
            f"demo_{{version}}_{one}.tar.gz" for one in ("linux_amd64", "darwin_amd64", "darwin_arm64")
        ),
        "npm": tuple(
            f"demo-{one}-{{version}}.tgz" for one in ("linux-x64", "darwin-x64", "darwin-arm64", "win32-x64")
        ),
        "pypi": (
            *(f"demo-{{pep440}}-{one}.whl" for one in ("darwin_amd64", "darwin_arm64", "windows_amd64")),
            "demo-{pep440}.tar.gz",
        ),
        "homebrew": tuple(f"{one}-official" for one in ("linux_amd64", "darwin_amd64", "darwin_arm64")),
    }


def test_a_file_of_toml_and_a_list_at_the_top_are_read_too() -> None:
    toml = b'[[build.row]]\nos = "linux"\nbits = 64\n[[build.row]]\nos = "windows"\nserved = true\n'
    every = Each("a-{os}", {})
    assert names_by_channel(targets(every, file="t.toml", rows="build.row"), toml) == {
        "github": ("a-linux", "a-windows")
    }
    some = Each("a-{os}-{bits}", {"bits": (64,)})
    assert names_by_channel(targets(some, file="t.toml", rows="build.row"), toml) == {
        "github": ("a-linux-64",)
    }
    assert names_by_channel(targets(every, rows=""), b'\xef\xbb\xbf[{"os": "linux"}]') == {
        "github": ("a-linux",)
    }


ROW = {"sdk_platform": "linux", "channels": {"github_sdk": "official"}}


@pytest.mark.parametrize(
    ("raw", "stated", "words"),
    [
        (None, targets(), "is not in the commit under release"),
        (b"", targets(), "expected JSON, found an error in its syntax on line 1"),
        (b'{"targets":\n[}', targets(), "syntax on line 2"),
        (b"a = 1\nb =", targets(file="t.toml"), "expected TOML, found an error in its syntax"),
        (b"\xff\xfe", targets(), "bytes that are no UTF-8"),
        (b"[" * 100_000, targets(), "brackets too deep"),
        (b"9" * 5_000, targets(), "a number too long"),
        (b'{"targets": [{}], "targets": []}', targets(), 'the key "targets" twice'),
        (b"{}", targets(), "expected a list of rows at targets, found nothing"),
        (b'{"targets": []}', targets(), "found an empty array"),
        (b'{"targets": {"a": {}}}', targets(), "found a table"),
        (b'{"targets": null}', targets(), "found null"),
        (b"[]", targets(rows=""), "expected a list of rows at the document, found an empty array"),
        (b"[]", targets(rows="a.b"), "at a.b, found nothing"),
        (written(ROW, "linux"), targets(), 'row 2: expected a table of fields, found "linux"'),
        (written({"channels": {"github_sdk": "official"}}), targets(), 'row 1 has no "sdk_platform"'),
        (written(ROW, ROW | {"sdk_platform": None}), targets(), 'row 2 has no "sdk_platform"'),
        (written(ROW | {"sdk_platform": "a/b"}), targets(), "row 1, sdk_platform: expected a part of a file"),
        (written(ROW | {"sdk_platform": ""}), targets(), "row 1, sdk_platform"),
        (written(ROW | {"sdk_platform": "{version}"}), targets(), "row 1, sdk_platform"),
        (written(ROW | {"sdk_platform": "a\nb"}), targets(), "row 1, sdk_platform"),
        (written(ROW | {"sdk_platform": True}), targets(), "found true"),
        (written(ROW | {"sdk_platform": 10**30}), targets(), "row 1, sdk_platform"),
        (written({"sdk_platform": "linux"}), targets(), 'no row has the field "channels.github_sdk"'),
        (written(ROW | {"channels": "official"}), targets(), 'no row has the field "channels.github_sdk"'),
        (written(ROW | {"channels": {"github_sdk": None}}), targets(), "no row matches where of"),
        (written(ROW | {"channels": {"github_sdk": "oficial"}}), targets(), "no row matches where of"),
        (written({"a": 1}), targets(Each("x-{a}", {"a": (True,)})), "no row matches"),
        (written({"a": True}), targets(Each("x-{a}", {"a": (1,)})), "no row matches"),
        (written({"a": "1"}), targets(Each("x-{a}", {"a": (1,)})), "no row matches"),
        (written(ROW, ROW), targets(), "rows 1 and 2 both give"),
        (written({"a": 1}, {"a": 2}), targets(Each("demo.tar.gz", {})), "rows 1 and 2 both give"),
        (written({"a": 1}, {"a": "1"}), targets(Each("x-{a}", {})), "rows 1 and 2 both give"),
        (written({"a": 1}), targets(Each("x", {}), Each("x", {})), "row 1 gives twice"),
        (SHAPE, targets(SDK, Each("x-{sdk_platfrom}", SERVED)), 'row 1 has no "sdk_platfrom"'),
    ],
)
def test_what_the_file_does_not_say_cannot_be_judged(raw: bytes | None, stated: Targets, words: str) -> None:
    assert words in says(raw, stated)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["targets", "a", "b", "version"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(
    st.binary(max_size=60) | json_values.map(lambda one: json.dumps(one).encode()),
    st.sampled_from(["t.json", "t.toml"]),
    st.sampled_from(["", "targets", "a.b"]),
    st.sampled_from([{}, {"a": ("a", True)}, {"a.b": (1,), "b": ("b",)}]),
)
def test_no_document_gives_a_traceback_or_an_empty_set(
    raw: bytes, file: str, rows: str, where: dict[str, tuple[str | int | bool, ...]]
) -> None:
    try:
        found = names_by_channel(targets(Each("x-{a}-{version}", where), file=file, rows=rows), raw)
    except CannotJudge as error:
        said, names = error.found, ("x",)
    else:
        said, names = "x", found["github"]
    assert said.isprintable()
    assert names
    assert all("/" not in name and name.isprintable() for name in names)


@given(
    st.lists(
        st.tuples(st.text("ab1", min_size=1, max_size=3), st.sampled_from(["official", None])), min_size=1
    )
)
def test_every_row_that_is_served_is_expected_and_no_other(rows: list[tuple[str, str | None]]) -> None:
    raw = written(*({"os": name, "tier": tier} for name, tier in rows))
    served = [name for name, tier in rows if tier]
    stated = targets(Each("x-{os}", {"tier": ("official",)}))
    if served and len(set(served)) == len(served):
        assert names_by_channel(stated, raw)["github"] == tuple(f"x-{name}" for name in served)
    else:
        assert says(raw, stated)


HEAD = 'project = "p"\n[targets]\nfile = "t.json"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('project = "p"\n[targets]\nfile = "t.json"', "expected artifacts"),
        ('project = "p"\n[targets]\nartifacts.npm = [{ name = "a" }]', "expected file"),
        ('project = "p"\n[targets]\nfile = "t.yaml"', "JSON or TOML"),
        ('project = "p"\n[targets]\nfile = "../t.json"', "relative to the repository"),
        (HEAD + 'rows = "a..b"', "targets.rows: expected the name of a field"),
        (HEAD + "artifacts.npm = []", "targets.artifacts.npm: expected an array of at least one table"),
        (HEAD + 'artifacts.npm = ["a"]', "targets.artifacts.npm[0]"),
        (HEAD + "artifacts.npm = [{}]", 'missing key "name"'),
        (HEAD + 'artifacts.npm = [{ name = "a", were = {} }]', 'did you mean "where"'),
        (HEAD + 'artifacts.npm = [{ name = "a/{b}" }]', "expected the name of a file"),
        (HEAD + 'artifacts.npm = [{ name = "a-{b" }]', "expected the name of a file"),
        (HEAD + 'artifacts.npm = [{ name = "a-{b c}" }]', "expected the name of a file"),
        (HEAD + 'artifacts.npm = [{ name = "a", where = { b = [] } }]', "b: expected a string"),
        (HEAD + 'artifacts.npm = [{ name = "a", where = { b = 1.5 } }]', "found 1.5"),
        (HEAD + 'artifacts.npm = [{ name = "a", where = { b = {} } }]', "b: expected a string"),
        (HEAD + 'artifacts.npm = [{ name = "a", where = { "b c" = 1 } }]', "expected the name of a field"),
        (HEAD + 'artifacts.npm = [{ name = "a", where = ["b"] }]', "a table of fields and their values"),
    ],
)
def test_a_profile_that_names_its_targets_badly_is_an_error_with_its_line(text: str, words: str) -> None:
    with pytest.raises(RelgateError) as error:
        parse_profile(text.encode(), "relgate.toml")
    assert words in str(error.value)
    assert str(error.value).startswith("relgate.toml:")


def test_conditions_may_be_dotted_keys_and_single_values() -> None:
    text = HEAD + 'artifacts.npm = [{ name = "a", where = { b.c = "x", "b.d" = [true, 2] } }]'
    (each,) = parse_profile(text.encode(), "relgate.toml").targets.artifacts["npm"]
    assert each.where == {"b.c": ("x",), "b.d": (True, 2)}


def test_rows_give_what_every_archive_of_a_channel_must_hold() -> None:
    text = HEAD + 'rows = "targets"\n[targets.holds]\nnpm = [{ name = "native/{node_platform}/index.node", '
    text += 'where = { channels.npm = "official" } }]'
    stated = parse_profile(text.encode(), "relgate.toml").targets
    assert held_by_channel(stated, SHAPE) == {
        "npm": tuple(
            f"native/{one}/index.node" for one in ("linux-x64", "darwin-x64", "darwin-arm64", "win32-x64")
        )
    }
    with pytest.raises(CannotJudge, match=r"no row matches where of targets\.holds\.npm\[0\]"):
        held_by_channel(
            Targets("t.json", "targets", holds={"npm": (EachHeld("a/{b}", {"schema": (1,)}),)}),
            b'{"targets": [{"schema": 2}]}',
        )


@pytest.mark.parametrize("name", ["/a", "a/../b", "a//b", "a/{b", "a b/c", "", "a/{version}/{b}"])
def test_a_path_in_an_archive_leads_nowhere_else(name: str) -> None:
    with pytest.raises(RelgateError, match=r"targets\.holds\.npm\[0\]\.name: expected"):
        parse_profile((HEAD + f'holds.npm = [{{ name = "{name}" }}]').encode(), "relgate.toml")
