"""The commands of a shell text, as far as they can be read without running it. Pure.

It reads words and where a command begins, not the language: what a variable holds or a branch decides is
not known, so every command that stands there counts. Comments and here-documents are no commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r]+|\\\n)
    | (?P<comment>(?<![^\s;|&(`])\#[^\n]*)
    | (?P<here><<-?[ \t]*(?P<quote>['"]?)(?P<mark>[A-Za-z_][\w-]*)(?P=quote))
    | (?P<redirection>\d*(?:>>|>\||>&|<<<|<>|<&|&>>?|[<>])[ \t]*)
    | (?P<end>\n|;;|;|&&|\|\||\|&|\||&|\(\(|\)\)|\(|\))
    | (?P<word>(?:\$\{\{.*?\}\}|\$\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|`[^`]*`|'[^']*'
        |"(?:[^"\\]|\\.)*"|\\.|[^\s;|&<>()'"\\`])+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NESTED = re.compile(r"\$\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)|`([^`]*)`")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
# Words in front of a command that are none themselves.
_BEFORE = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time"})
_WRAPPERS = frozenset({"sudo", "env", "exec", "command", "nohup", "nice", "timeout", "xargs", "retry"})
_WITH_VALUE = {
    "sudo": frozenset({"-u", "--user", "-g", "--group", "-D", "--chdir", "-p", "--prompt", "-h", "--host"}),
    "env": frozenset({"-u", "--unset", "-C", "--chdir"}),
    "timeout": frozenset({"-s", "--signal", "-k", "--kill-after"}),
}
_SHELLS = frozenset({"bash", "sh", "zsh", "dash"})


@dataclass(frozen=True)
class Command:
    """One command: its words without quotes, and its line in the text, from 1.

    ``branch`` is whether it stands in a ``case``, which decides by its argument whether it runs.
    """

    words: tuple[str, ...]
    line: int
    branch: bool = False

    @property
    def text(self) -> str:
        """The command on one line."""
        return " ".join(self.words)


def commands_of(text: str) -> tuple[Command, ...]:
    """Take a shell text apart into its commands, those in ``$( )`` and ``bash -c`` too."""
    return tuple(_commands(text.replace("\r\n", "\n"), 1, 0))


def _commands(text: str, first_line: int, depth: int) -> Iterator[Command]:
    if depth > 4:  # noqa: PLR2004  (deeper than anybody nests shells)
        return
    cases = 0
    for line, raw, _ in pieces_of(text):
        words = tuple(unquoted(word) for word in raw)
        cases += (words[:1] == ("case",)) - (words[:1] == ("esac",))
        command = bare(words)
        at = first_line + line
        if command:
            yield Command(command, at, cases > 0)
        for word in raw:
            for one in _NESTED.finditer(word) if not word.startswith("'") else ():
                yield from _commands(one[1] or one[2] or "", at, depth + 1)
        if command and command[0] in _SHELLS:
            asked = (n for n, word in enumerate(command[1:-1], 2) if re.fullmatch(r"-[a-z]*c", word))
            for behind in asked:
                yield from _commands(command[behind], at, depth + 1)
        if command and command[0] == "eval":
            yield from _commands(" ".join(command[1:]), at, depth + 1)


def pieces_of(text: str) -> Iterator[tuple[int, list[str], str]]:
    """Give the words of each command as they stand, the number of lines before it, and what ends it.

    There are no words where one end follows another.
    """
    words: list[str] = []
    marks: list[str] = []
    at, line, begun, skip_word = 0, 0, 0, False
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None  # noqa: S101  (the last alternative takes any character)
        at = found.end()
        match found.lastgroup:
            case "word":
                if skip_word:
                    skip_word = False
                else:
                    begun = begun if words else line
                    words.append(found[0])
            case "here" | "mark" | "quote":
                marks.append(found["mark"])
            case "redirection":
                skip_word = True
            case "end":
                yield begun, words, found[0]
                words, skip_word = [], False
                if found[0] == "\n":
                    for mark in marks:
                        at = _behind_document(text, at, mark)
                    line += text.count("\n", found.end(), at)
                    marks = []
        line += found[0].count("\n")
    if words:
        yield begun, words, ""


def _behind_document(text: str, at: int, mark: str) -> int:
    end = re.compile(rf"^[ \t]*{re.escape(mark)}[ \t]*$", re.MULTILINE).search(text, at)
    return end.end() if end else len(text)


def unquoted(word: str) -> str:
    """A word as the shell gives it to a command, but for what variables hold."""
    word = re.sub(r"\\(.)", r"\1", word) if "\\" in word and "'" not in word else word
    return re.sub(r"'([^']*)'|\"([^\"]*)\"", lambda found: found[1] or found[2] or "", word)


def bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """A command without assignments, keywords and wrappers in front of it."""
    at = 0
    while at < len(words):
        word = words[at]
        if word in _BEFORE or _ASSIGNMENT.match(word):
            at += 1
        elif word.rpartition("/")[2] in _WRAPPERS:
            at += 1
            valued = _WITH_VALUE.get(word.rpartition("/")[2], frozenset())
            while at < len(words) and (words[at].startswith("-") or re.fullmatch(r"\d+[smhd]?", words[at])):
                at += 2 if words[at] in valued else 1
        else:
            break
    return words[at:]
