"""GitHub's published OpenAPI description (npm package @octokit/openapi), read and turned into JSON Schema."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jsonschema

from node_parts import node_parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DESCRIPTION = "@octokit/openapi/generated/api.github.com.json"
_WORDS = {
    "type",
    "required",
    "enum",
    "format",
    "pattern",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
} | {
    "minimum",
    "maximum",
    "maxProperties",
}
_NESTED = {"items", "additionalProperties", "anyOf", "oneOf", "allOf", "not"}

formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


@formats.checks("uri", raises=ValueError)
@formats.checks("uri-template", raises=ValueError)
def is_address(value: object) -> bool:
    """Whether a text is an address of the web; what is no text is not ours to judge."""
    return not isinstance(value, str) or (urlsplit(value).scheme in ("http", "https") and " " not in value)


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI's nullable; without a choice where possible, for the sake of what is said of a mismatch."""
    if "type" not in schema or "anyOf" in schema or "oneOf" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | values


@dataclass(frozen=True)
class Operation:
    """One operation of the description."""

    method: str
    template: str
    facts: Mapping[str, Any]


class Description:
    """GitHub's description, cut to what is asked for as it is asked for."""

    def __init__(self, path: Path) -> None:
        self._document = json.loads(path.read_text(encoding="utf-8"))
        self._patterns = sorted(
            ((self._pattern(template, item), template) for template, item in self._document["paths"].items()),
            key=lambda found: (found[1].count("{"), -len(found[1])),
        )
        self._kept: dict[str, jsonschema.protocols.Validator] = {}

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation of a request, None for one that is not described."""
        for pattern, template in self._patterns:
            if pattern.fullmatch(path) and method in self._document["paths"][template]:
                return Operation(method, template, self._document["paths"][template][method])
        return None

    def validator(self, schema: Mapping[str, Any]) -> jsonschema.protocols.Validator:
        """A validator of a schema of the description, with all that it refers to."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._kept:
            names: dict[str, Any] = {}
            whole = self._converted(schema, names) | {"$defs": names}
            self._kept[key] = jsonschema.Draft202012Validator(whole, format_checker=formats)
        return self._kept[key]

    def resolved(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference stands for."""
        while "$ref" in item:
            _, *steps = item["$ref"].split("/")
            found = self._document
            for step in steps:
                found = found[step]
            item = found
        return item

    def _pattern(self, template: str, item: Mapping[str, Any]) -> re.Pattern[str]:
        parameters = [
            self.resolved(one)
            for operation in item.values()
            if isinstance(operation, dict)
            for one in operation.get("parameters", ())
        ]
        wide = {one["name"] for one in parameters if one.get("x-multi-segment")}
        parts = re.split(r"\{([^}]+)\}", template)
        spelt = "".join(
            (".*" if part in wide else "[^/]+") if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
        return re.compile(spelt)

    def _converted(self, schema: Any, names: dict[str, Any], *, open_: bool = False) -> Any:
        """Turn a schema of OpenAPI 3.0 into one of JSON Schema, closing objects as they come."""
        if isinstance(schema, list):
            return [self._converted(one, names, open_=open_) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            key = f"{name}-open" if open_ else name
            if key not in names:
                names[key] = {}
                names[key].update(self._converted(self.resolved(schema), names, open_=open_))
            return {"$ref": f"#/$defs/{key}"}
        made = {word: value for word, value in schema.items() if word in _WORDS}
        if "properties" in schema:
            fields = schema["properties"].items()
            made["properties"] = {key: self._converted(one, names) for key, one in fields}
        for word in _NESTED & schema.keys():  # the parts of allOf each know only their own fields
            made[word] = self._converted(schema[word], names, open_=word == "allOf")
        if made.get("properties") and not open_ and "allOf" not in made:
            made.setdefault("additionalProperties", False)
        return _or_null(made) if schema.get("nullable") else made


@cache
def description() -> Description:
    """GitHub's description, read once."""
    return Description(node_parts() / DESCRIPTION)
