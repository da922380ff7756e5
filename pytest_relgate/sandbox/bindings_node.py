"""The Node binding of the miniature Plasmite, with an addon that Node really loads. Texts only."""

from __future__ import annotations

import json

_REMOTE = 8  # the patch version at which requests to a served pool came

PLATFORMS = ("darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64")
"""The platforms that the npm package carries an addon for, as Node calls them."""

_INDEX = """\
'use strict';

const { load } = require('./native.js');
{remote}
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

class Client {
  constructor() {
    this.native = load();
  }

  version() {
    return this.native.version;
  }
}

module.exports = { {exports} };
"""

_NATIVE_JS = """\
'use strict';

const path = require('node:path');

// The addon of this platform. Nothing loads it before it is needed: what is remote works without.
function load() {
  const platform = `${process.platform}-${process.arch}`;
  try {
    return require(path.join(__dirname, 'native', platform, 'index.node'));
  } catch (error) {
    throw new Error(`native addon is unavailable for ${platform}: ${error.message}`);
  }
}

module.exports = { load };
"""

_REMOTE_JS = """\
'use strict';

class RemoteClient {
  constructor(url) {
    this.url = url;
  }

  request(token) {
    return { method: 'GET', url: `${this.url}/pool`, headers: { authorization: `Bearer ${token}` } };
  }
}

module.exports = { RemoteClient };
"""

_BIN = """\
#!/usr/bin/env node
'use strict';

const { Client } = require('../index.js');

try {
  console.log(`plasmite ${new Client().version()}`);
} catch (error) {
  console.error(`plasmite: the native CLI is unavailable: ${error.message}`);
  process.exitCode = 1;
}
"""

_TEST = """\
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

_CARGO_TOML = """\
[package]
name = "plasmite-node"
version = "{version}"
edition = "2021"
license = "MIT"
publish = false

[lib]
crate-type = ["cdylib"]
doctest = false
test = false
"""

# macOS refuses symbols that are not there yet unless it is told that Node brings them.
_BUILD_RS = """\
fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-undefined,dynamic_lookup");
    }
}
"""

_LIB_RS = """\
//! The addon of the Node binding: it tells its version.

use std::ffi::{c_char, c_int, c_void};

type Env = *mut c_void;
type Value = *mut c_void;

extern "C" {
    fn napi_create_string_utf8(env: Env, text: *const c_char, length: usize, out: *mut Value) -> c_int;
    fn napi_set_named_property(env: Env, object: Value, name: *const c_char, value: Value) -> c_int;
}

const NAME: &[u8] = b"version\\0";

/// Called by Node when it loads the addon.
///
/// # Safety
///
/// Only Node may call it, with what it made itself.
#[no_mangle]
pub unsafe extern "C" fn napi_register_module_v1(env: Env, exports: Value) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let mut value = std::ptr::null_mut();
    unsafe {
        napi_create_string_utf8(env, version.as_ptr().cast(), version.len(), &mut value);
        napi_set_named_property(env, exports, NAME.as_ptr().cast(), value);
    }
    exports
}
"""


def node_files(patch: int, version: str) -> dict[str, str]:
    """Files of the Node binding at a patch version, by path."""
    remote = patch >= _REMOTE
    about = {"name": "plasmite", "version": version, "license": "MIT"}
    command = {"plasmite": "bin/plasmite.js"}
    package = {
        "name": "plasmite",
        "version": version,
        "description": "A ring of messages, in miniature",
        "license": "MIT",
        "repository": {
            "type": "git",
            "url": "git+https://github.com/sandover/plasmite.git",
            "directory": "bindings/node",
        },
        "main": "index.js",
        "bin": command,
        "files": [
            "index.js",
            "native.js",
            *(["remote.js"] if remote else []),
            *(f"native/{platform}/index.node" for platform in PLATFORMS),
            "LICENSE",
            "THIRD_PARTY_NOTICES.md",
        ],
        "scripts": {"test": "node --test"},
        "engines": {"node": ">=18"},
    }
    lock = {
        "name": "plasmite",
        "version": version,
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": {**about, "bin": command, "engines": {"node": ">=18"}}},
    }
    require = "const { RemoteClient } = require('./remote.js');\n" if remote else ""
    names = "Client, Pool, RemoteClient" if remote else "Client, Pool"
    files = {
        "package.json": json.dumps(package, indent=2) + "\n",
        "package-lock.json": json.dumps(lock, indent=2) + "\n",
        "bin/plasmite.js": _BIN,
        "index.js": _INDEX.replace("{remote}", require).replace("{exports}", names),
        "native.js": _NATIVE_JS,
        "test/pool.test.js": _TEST,
        "native/Cargo.toml": _CARGO_TOML.format(version=version),
        "native/build.rs": _BUILD_RS,
        "native/src/lib.rs": _LIB_RS,
    }
    if remote:
        files["remote.js"] = _REMOTE_JS
    return {f"bindings/node/{path}": text for path, text in files.items()}
