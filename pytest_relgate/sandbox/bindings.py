"""The Python, Node and Go bindings of the miniature Plasmite. Texts only.

They are written in their own languages, so that their tests run with nothing but the interpreter.
"""

from __future__ import annotations

import json

# The patch versions at which something came.
_LENGTH = 2
_SETUPTOOLS_77 = 5
_REMOTE = 8

_PYPROJECT = """\
[build-system]
requires = ["setuptools>={setuptools}"]
build-backend = "setuptools.build_meta"

[project]
name = "plasmite"
version = "{version}"
description = "A ring of messages, in miniature"
requires-python = ">=3.9"
license = "MIT"

[tool.setuptools]
packages = ["plasmite"]
"""

_PYTHON = '''\
"""A ring of messages, in miniature."""

from collections import deque


class Pool:
    """The newest messages, oldest first."""

    def __init__(self, capacity):
        self._messages = deque(maxlen=capacity)

    def append(self, message):
        self._messages.append(message)

    def __iter__(self):
        return iter(self._messages)
'''

_PYTHON_LEN = """\

    def __len__(self):
        return len(self._messages)
"""

_PYTHON_TEST = """\
import unittest

from plasmite import Pool


class TestPool(unittest.TestCase):
    def test_the_oldest_message_makes_room(self):
        pool = Pool(2)
        for message in "abc":
            pool.append(message)
        self.assertEqual(list(pool), ["b", "c"])
"""

_NODE = """\
'use strict';

class Pool {
  #messages = [];
  #capacity;

  constructor(capacity) {
    this.#capacity = capacity;
  }

  append(message) {
    this.#messages.push(message);
    while (this.#messages.length > this.#capacity) this.#messages.shift();
  }

  [Symbol.iterator]() {
    return this.#messages[Symbol.iterator]();
  }
}

module.exports = { Pool };
"""

_NODE_REMOTE = """\
'use strict';

function request(token) {
  return { method: 'GET', path: '/pool', headers: { authorization: `Bearer ${token}` } };
}

module.exports = { request };
"""

_NODE_TEST = """\
'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { Pool } = require('..');

test('the oldest message makes room', () => {
  const pool = new Pool(2);
  for (const message of 'abc') pool.append(message);
  assert.deepStrictEqual([...pool], ['b', 'c']);
});
"""

_NODE_NATIVE = """\
[package]
name = "plasmite-node"
version = "{version}"
edition = "2021"
license = "MIT"
publish = false

[lib]
crate-type = ["cdylib"]
"""

_NODE_NATIVE_LIB = """\
//! The native addon would be here; the miniature has none.
"""

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


def binding_files(patch: int, version: str) -> dict[str, str]:
    """Files of the bindings at a patch version, by path."""
    shipped = ["index.js", "remote.js", "native/"] if patch >= _REMOTE else ["index.js", "native/"]
    package = {
        "name": "plasmite",
        "version": version,
        "description": "A ring of messages, in miniature",
        "license": "MIT",
        "main": "index.js",
        "files": shipped,
        "scripts": {"test": "node --test"},
        "engines": {"node": ">=18"},
    }
    own = {"name": "plasmite", "version": version, "license": "MIT", "engines": {"node": ">=18"}}
    lock = {
        "name": "plasmite",
        "version": version,
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": own},
    }
    setuptools = "77" if patch >= _SETUPTOOLS_77 else "61"
    files = {
        "bindings/python/pyproject.toml": _PYPROJECT.format(version=version, setuptools=setuptools),
        "bindings/python/plasmite/__init__.py": _PYTHON + (_PYTHON_LEN if patch >= _LENGTH else ""),
        "bindings/python/tests/test_pool.py": _PYTHON_TEST,
        "bindings/node/package.json": json.dumps(package, indent=2) + "\n",
        "bindings/node/package-lock.json": json.dumps(lock, indent=2) + "\n",
        "bindings/node/index.js": _NODE,
        "bindings/node/test/pool.test.js": _NODE_TEST,
        "bindings/node/native/Cargo.toml": _NODE_NATIVE.format(version=version),
        "bindings/node/native/src/lib.rs": _NODE_NATIVE_LIB,
        "bindings/go/go.mod": "module github.com/sandover/plasmite/bindings/go\n\ngo 1.22\n",
        "bindings/go/plasmite.go": _GO,
        "bindings/go/plasmite_test.go": _GO_TEST,
    }
    if patch >= _REMOTE:
        files["bindings/node/remote.js"] = _NODE_REMOTE
    return files
