"""Stand-in for just: recipes with dependencies, run line by line."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from pytest_relgate.sandbox.stand_ins.words import Unreadable, say


@dataclass
class Recipe:
    """One recipe: what it needs first, and its lines with their numbers."""

    needs: list[str]
    lines: list[tuple[int, str]] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """Run recipes."""
    folder = next((at for at in (Path.cwd(), *Path.cwd().parents) if (at / "Justfile").is_file()), None)
    if folder is None:
        say("error: No justfile found")
        return 1
    if any(word.startswith("-") or "=" in word for word in arguments):
        message = " ".join(arguments)
        raise Unreadable(message)
    recipes = read((folder / "Justfile").read_text(encoding="utf-8"))
    done: set[str] = set()
    for name in arguments or list(recipes)[:1]:
        if status := _run(name, recipes, folder, done):
            return status
    return 0


def read(text: str) -> dict[str, Recipe]:
    """Read the recipes of a Justfile, the default one first."""
    recipes: dict[str, Recipe] = {}
    recipe: Recipe | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] in " \t" and recipe is not None:
            recipe.lines.append((number, line.strip()))
        elif found := re.fullmatch(r"([\w-]+):((?: [\w-]+)*)", line):
            recipe = recipes[found[1]] = Recipe(found[2].split())
        else:
            message = f"Justfile:{number}: {line}"
            raise Unreadable(message)
    return recipes


def _run(name: str, recipes: dict[str, Recipe], folder: Path, done: set[str]) -> int:
    if name in done:
        return 0
    done.add(name)
    if name not in recipes:
        say(f"error: Justfile does not contain recipe `{name}`")
        return 1
    for needed in recipes[name].needs:
        if status := _run(needed, recipes, folder, done):
            return status
    for number, line in recipes[name].lines:
        command = line.removeprefix("@")
        if command == line:
            say(command)
        status = subprocess.run(["/bin/sh", "-cu", command], cwd=folder, check=False).returncode  # noqa: S603  (a recipe of the sandbox, as just runs it)
        if status:
            say(f"error: Recipe `{name}` failed on line {number} with exit code {status}")
            return status
    return 0
