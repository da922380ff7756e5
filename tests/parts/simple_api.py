"""JSON Schema of the Simple repository API: what each key may be (PEP 691, 700, 714, 740, 792)."""

from __future__ import annotations

HASHES = {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"}}
CORE = {"anyOf": [{"type": "boolean"}, HASHES]}
FILE = {
    "type": "object",
    "required": ["filename", "url", "hashes", "size"],
    "properties": {
        "filename": {"type": "string"},
        "url": {"type": "string"},
        "hashes": HASHES | {"required": ["sha256"]},
        "requires-python": {"type": ["string", "null"]},
        "core-metadata": CORE,
        "data-dist-info-metadata": CORE,
        "gpg-sig": {"type": "boolean"},
        "yanked": {"type": ["boolean", "string"]},
        "size": {"type": "integer", "minimum": 0},
        "upload-time": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$",
        },
        "provenance": {"type": ["string", "null"], "pattern": "^https?://"},
    },
    "additionalProperties": False,
}
DETAIL = {
    "type": "object",
    "required": ["meta", "name", "files", "versions"],
    "properties": {
        "meta": {
            "type": "object",
            "required": ["api-version"],
            "properties": {"api-version": {"const": "1.4"}},
            "patternProperties": {"^_": {}},
        },
        "name": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
        "project-status": {
            "type": "object",
            "properties": {"status": {"enum": ["active", "archived", "quarantined", "deprecated"]}},
        },
        "versions": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "files": {"type": "array", "items": FILE},
    },
    "additionalProperties": False,
}
INDEX = {
    "type": "object",
    "required": ["meta", "projects"],
    "properties": {
        "projects": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        "meta": DETAIL["properties"]["meta"],
    },
    "additionalProperties": False,
}
