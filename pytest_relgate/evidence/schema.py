"""The JSON Schema of ``evidence.json``, as ``docs/evidence.schema.json`` publishes it.

``python -m pytest_relgate.evidence.schema > docs/evidence.schema.json`` writes it anew.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from msgspec.json import schema

from pytest_relgate.evidence.seal import SCHEMA, Evidence

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def evidence_schema() -> dict[str, Any]:
    """The schema as a JSON document, made from the types that write and read evidence."""
    made = schema(Evidence)
    for one in made["$defs"].values():
        one["description"] = " ".join(one["description"].replace("``", "`").split())
    return {"$schema": DIALECT, "title": f"pytest-relgate evidence, schema {SCHEMA}", **made}


def written() -> str:
    """The file as it is published."""
    return json.dumps(evidence_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
