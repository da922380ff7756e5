"""The documentation of the files of a checks folder says what they may say, and nothing else."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import msgspec
from msgspec import inspect

from pytest_relgate import waiverfile
from pytest_relgate.profile import Base, Profile, Report, parse_profile, seconds

DOCUMENT = (Path(__file__).parents[2] / "docs" / "profile.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)


def example(start: str) -> bytes:
    """Return the example that begins with this line."""
    return next(text for text in EXAMPLES if text.startswith(start)).encode()


def documented(struct: type[msgspec.Struct]) -> dict[str, inspect.Field]:
    """Return what the documentation must name: every key of the structs, dotted."""
    fields = {}
    for one in inspect.type_info(struct).fields:
        kind = one.type.type if isinstance(one.type, inspect.Metadata) else one.type
        if isinstance(kind, inspect.VarTupleType):
            element = kind.item_type
            kind = element if isinstance(element, inspect.StructType) else kind
        if isinstance(kind, inspect.StructType):
            fields |= {f"{one.name}.{name}": inner for name, inner in documented(kind.cls).items()}
        elif isinstance(kind, inspect.DictType):
            fields[f"{one.name}.NAME"] = one
        else:
            fields[one.name] = one
    return fields


KEYS = documented(Profile) | documented(waiverfile._Waivers) | documented(waiverfile._Signoffs)


def rows() -> dict[str, list[str]]:
    lines = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", DOCUMENT, re.MULTILINE)
    return {key: rest.split(" | ") for key, rest in lines}


def structs(kind: inspect.Type) -> list[inspect.StructType]:
    """Return the structs that a type holds, itself first."""
    match kind:
        case inspect.StructType(fields=fields):
            return [kind, *(one for field in fields for one in structs(field.type))]
        case inspect.Metadata(type=inner) | inspect.VarTupleType(item_type=inner):
            return structs(inner)
        case _:
            return []


def test_no_struct_lets_an_unknown_key_through() -> None:
    files = inspect.multi_type_info([Profile, waiverfile._Waivers, waiverfile._Signoffs])
    found = [one for file in files for one in structs(file)]
    assert {one.cls for one in found} >= {Base, Report, waiverfile._Waiver, waiverfile._Signoff}
    assert all(one.forbid_unknown_fields for one in found)


def test_the_documentation_names_every_key_and_no_other() -> None:
    assert set(rows()) == set(KEYS)


def test_the_documentation_names_the_defaults() -> None:
    for key, field in documented(Profile).items():
        default = rows()[key][1].strip("`")
        if field.required:
            assert default == "required"
        elif key.endswith(".NAME"):
            assert default == "none"
        elif key == "limits.gate":
            assert seconds(default.strip('"')) == field.default
        else:
            assert tomllib.loads(f"x = {default}")["x"] == json.loads(msgspec.json.encode(field.default))


def test_the_examples_of_the_documentation_hold() -> None:
    for key in documented(Profile):
        if key.startswith(("triage.", "targets.")):  # these have an example of their own
            continue
        name = key.replace("NAME", "name")
        text = f"{name} = {rows()[key][-1].strip('`')}"
        project = "" if key == "project" else 'project = "p"\n'
        parse_profile(f"{project}{text}".encode(), "relgate.toml")
    told = b'project = "p"\n' + example("[[triage]]")
    assert parse_profile(told, "relgate.toml").triage[0].cause == "setting"
    targets = parse_profile(b'project = "p"\n' + example("[targets]"), "relgate.toml").targets
    assert [each.where for each in targets.artifacts["github"]] == [
        {"channels.github_sdk": ("official", "preview")}
    ]
    lines = "\n".join(
        f"{key.replace('NAME', 'n')} = {rows()[key][-1].strip('`')}" for key in KEYS if "targets." in key
    )
    assert parse_profile(f'project = "p"\n{lines}'.encode(), "relgate.toml").targets.artifacts["n"]
    assert len(waiverfile.parse_waivers(example("[[waiver]]"), "waivers.toml")) == 1
    assert len(waiverfile.parse_signoffs(example("[[signoff]]"), "signoffs.toml")) == 1
