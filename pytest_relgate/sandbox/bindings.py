"""The bindings of the miniature Plasmite: what of them is not Python, Node or Go alone. Texts only.

They are written in their own languages, so that their tests run with nothing but the interpreter.
"""

from __future__ import annotations

from pytest_relgate.sandbox.bindings_node import node_files
from pytest_relgate.sandbox.bindings_python import python_files

_GO = """\
// Package plasmite is a ring of messages, in miniature.
package plasmite

// Pool keeps the newest messages, oldest first.
type Pool struct {
	Capacity int
	Messages []string
}

// Append adds a message; the oldest one makes room for it.
func (p *Pool) Append(message string) {
	p.Messages = append(p.Messages, message)
	if extra := len(p.Messages) - p.Capacity; extra > 0 {
		p.Messages = p.Messages[extra:]
	}
}
"""

_GO_TEST = """\
package plasmite

import (
	"strings"
	"testing"
)

func TestTheOldestMessageMakesRoom(t *testing.T) {
	pool := Pool{Capacity: 2}
	for _, message := range []string{"a", "b", "c"} {
		pool.Append(message)
	}
	if got := strings.Join(pool.Messages, ""); got != "bc" {
		t.Fatalf("expected bc, found %s", got)
	}
}
"""


def binding_files(patch: int, version: str, licences: dict[str, str]) -> dict[str, str]:
    """Files of the bindings at a patch version, by path.

    ``licences`` are the licence and the notices by file name: every package carries them.
    """
    files = {
        "bindings/go/go.mod": "module github.com/sandover/plasmite/bindings/go\n\ngo 1.22\n",
        "bindings/go/plasmite.go": _GO,
        "bindings/go/plasmite_test.go": _GO_TEST,
        **node_files(patch, version),
        **python_files(patch, version),
    }
    for folder in ("go", "node", "python"):
        files |= {f"bindings/{folder}/{name}": text for name, text in licences.items()}
    return files
