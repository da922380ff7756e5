"""Records to report: calm ones, one of every state, hostile ones, and a family of generated ones."""

from __future__ import annotations

import html.parser
import os
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import strategies as st

from pytest_relgate.model import (
    Artifact,
    Attempt,
    Condition,
    Context,
    Decision,
    Earlier,
    Gate,
    Judged,
    Mode,
    Phase,
    Proof,
    Reason,
    Record,
    State,
    Subject,
    Verdict,
    Waiver,
)

if TYPE_CHECKING:
    from collections.abc import Callable

COMMIT = "4f1c2ab8d09e3b1f6a7c5d2e8f904b1c3a6d7e8f"
BASE = "91be0cc2d09e3b1f6a7c5d2e8f904b1c3a6d7e8f"
TREE = "aa11bb22cc33dd44ee55ff660718293a4b5c6d7e"
CHECKS = "sha256:" + "c4" * 32

HOSTILE = (
    "<script>document.title='pwned'</script>",
    "<img src=x id=pwned onerror=\"document.title='pwned'\">",
    "</script></style></title><h1 id='pwned'>all is well</h1>",
    "]]> &lt;b&gt; <!-- --> <![CDATA[ &amp; &#0;",
    "\"quoted\" 'single' \\ back\\|slash | pipe || `tick` ``two`` ``` fence",
    "@octocat #123 GH-7 octo/repo#9 https://example.org/x www.example.org mail@example.org :tada:",
    "[link](https://example.org) ![image](https://example.org/x.png) **bold** _em_ ~~gone~~ $x$ <b>b</b>",
    "\x1b[31mred\x1b[0m \x1b]8;;https://example.org\x07link\x1b]8;;\x07 \x1b[2J",
    "nul\x00 bell\x07 backspace\x08 delete\x7f c1\x9b next\x85 tab\t vertical\x0b form\x0c",
    "\u202egnp.exe\u202c zero\u200bwidth \u2066isolate\u2069 \ufeffbom line\u2028para\u2029end",
    "lone \ud800 and \udc80 surrogates, \ufffe \uffff noncharacters, \U000e0041 tag",
    "one\ntwo\r\nthree\rfour\n::error::not ours\n## not a heading\n1. no list\n| a | b |\n| - | - |\n",
    "one ` tick",
    "one | pipe",
    "first\n```\n# in a fence\n~~~\n````\n<b>last</b>",
    "::warning file=x::text %0A%25 100%, a:b",
    "x" * 10_000,
    "__proto__",
    "",
    " ",
    "- item + item = 1. deadbeef1234567 === ---",
)


def gate(number: int = 1, **changes: Any) -> Gate:
    """One plain gate."""
    plain: dict[str, Any] = {
        "id": f"test_1_core.py::TestCargo::test_gate[g{number}]",
        "phase": "prerelease",
        "title": f"Gate number {number} holds",
        "where": f"test_1_core.py:{number}",
    }
    return Gate(**(plain | changes))


def attempt(of: Gate, outcome: State = State.PASSED, **changes: Any) -> Attempt:
    """One plain attempt of a gate."""
    plain: dict[str, Any] = {
        "gate": of.id,
        "number": 1,
        "outcome": outcome,
        "run": 2,
        "started": "2026-02-01T15:58:03Z",
        "seconds": 1.25,
        "worker": "main",
        "tree": TREE,
        "checks": CHECKS,
        "log": "logs/cargo-test.1.txt",
    }
    return Attempt(**(plain | changes))


def record_of(*gates: Judged, reasons: tuple[Reason, ...] = (), **changes: Any) -> Record:
    """A record of these gates; without reasons it is PASSED. ``context__agent`` changes within."""
    whole = Record(
        context=Context(
            phase=Phase.PRERELEASE,
            target="v0.9.0",
            target_why="--release-target",
            base="v0.8.0",
            base_why="last stable",
            base_commit=BASE,
            mode=Mode.DRY_RUN,
            agent="ada@laptop",
            agent_why="--release-agent",
        ),
        subject=Subject(
            repository="https://github.com/sandover/plasmite",
            commit=COMMIT,
            tree=TREE,
            dirty=False,
            checks=CHECKS,
            checks_commit=COMMIT,
        ),
        verdict=Verdict(passed=not reasons, reasons=reasons, gates=gates),
        locked=True,
        run=2,
        started="2026-02-01T15:41:00Z",
        finished="2026-02-01T15:59:20Z",
        environment={"python": "3.11.7", "platform": "linux-x86_64"},
        folder="release-evidence/v0.9.0/prerelease",
        command="pytest release_checks -m prerelease --release-target v0.9.0",
    )
    outer = {name: value for name, value in changes.items() if "__" not in name}
    for name, value in changes.items():
        part, _, field = name.partition("__")
        if field:
            outer[part] = msgspec.structs.replace(outer.get(part, getattr(whole, part)), **{field: value})
    return msgspec.structs.replace(whole, **outer)


def passed_record() -> Record:
    """Everything passes; one gate is not due, one was kept from an earlier run."""
    gates = [gate(number) for number in range(1, 5)]
    due = Condition(kind="changed", name="dependencies", patterns=("Cargo.lock", "**/Cargo.toml"))
    audit = gate(9, title="No dependency has a known vulnerability", conditions=(due,))
    proof = Proof(
        condition=due,
        held=False,
        reason="no dependency table differs",
        base=BASE,
        commit=COMMIT,
        looked_at=214,
    )
    return record_of(
        *(Judged(gate=each, state=State.PASSED, attempts=(attempt(each),)) for each in gates),
        Judged(gate=audit, state=State.NOT_TRIGGERED, decision=Decision(gate=audit.id, proofs=(proof,))),
        kept={gates[0].id: "2026-02-01T15:41:12Z"},
        not_checked=("installs on macOS and Windows: no evidence from there",),
    )


def blocked_record() -> Record:
    """Every state once, with waiver, advisory failure, proof, kept, missing gates and facts about the run."""
    due = Condition(kind="changed", name="benchmarks", patterns=("src/storage/**", "benches/**"))
    proof = Proof(
        condition=due, held=False, reason="none of them matches", base=BASE, commit=COMMIT, looked_at=87
    )
    waiver = Waiver(
        gate="test_2_versions.py::test_waived",
        release="v0.9.0",
        states=(State.FAILED,),
        reason="the advisory is for a feature that we do not build",
        owner="ada",
        approver="ada",
        created="2026-01-30T09:00:00Z",
        expires="2026-02-14T00:00:00Z",
    )
    judged: list[Judged] = []
    reasons: list[Reason] = []
    messages = {
        State.FAILED: ("0.8.0", 'set version = "0.9.0" there and commit'),
        State.ERRORED: ("cargo-audit is not installed", "cargo install cargo-audit --version 0.21.0"),
        State.TIMED_OUT: ("no end within 30 min", "look at logs/cargo-test.1.txt"),
        State.CRASHED: ("worker gw1 was killed by signal 9", "run it alone: pytest -k test_gate -n0"),
        State.SKIPPED: ("skipped: no node on this machine", "install node 20"),
        State.FLAKY: (
            "server::readiness failed, then passed",
            "fix it, or sign off the cause: relgate waive",
        ),
        State.PENDING: ("npm still serves 0.8.0", "look again after 16:20"),
        State.BLOCKED_BY: ("after test_gate[fmt], which did not pass", "see test_gate[fmt]"),
        State.MISSING: ("planned, never judged", "run it: pytest release_checks -m prerelease"),
        State.UNPLANNED: ("collected, and gates.lock does not have it", "pytest --release-lock"),
        State.STALE: ("judged another commit: 91be0cc", "run it again"),
        State.INVALID: ("asks for run and runs nothing", "call run() in it"),
    }
    for number, state in enumerate(State):
        name = state.lower()
        one = gate(
            number,
            id=f"test_2_versions.py::test_{name}",
            title="every manifest says 0.9.0" if state is State.FAILED else f"The gate that is {name}",
            where=f"test_2_versions.py:{18 + number}",
        )
        found, do = messages.get(state, ("", ""))
        if state is State.NOT_TRIGGERED:
            one = msgspec.structs.replace(one, conditions=(due,))
            judged.append(Judged(gate=one, state=state, decision=Decision(gate=one.id, proofs=(proof,))))
            continue
        if state is State.WAIVED:
            tried = (attempt(one, State.FAILED, message="RUSTSEC-2026-0001"),)
            judged.append(Judged(gate=one, state=state, attempts=tried, waiver=waiver))
            continue
        attempts: tuple[Attempt, ...] = ()
        if state not in (State.MISSING, State.BLOCKED_BY):
            outcome = State.PASSED if state is State.FLAKY else state
            place = "bindings/node/native/Cargo.toml:3" if state is State.FAILED else ""
            attempts = (attempt(one, outcome, message=found, do=do, where=place),)
        if state is State.FLAKY:
            first = attempt(one, State.FAILED, run=1, started="2026-02-01T15:41:09Z", message=found)
            attempts = (first, msgspec.structs.replace(attempts[0], number=2))
        judged.append(Judged(gate=one, state=state, why=found, attempts=attempts))
        if not state.passing:
            reasons.append(Reason(code=state, gate=one.id, message=found, remedy=do))
    advisory = gate(
        90, id="test_3_advice.py::test_changelog", title="The changelog is finalised", advisory=True
    )
    told = (attempt(advisory, State.FAILED, message="CHANGELOG.md still says unreleased"),)
    judged.append(Judged(gate=advisory, state=State.FAILED, attempts=told))
    reasons.append(
        Reason(
            code="DIRTY_TREE",
            message="the tree is not as committed: Cargo.lock",
            remedy="git commit Cargo.lock",
        ),
    )
    return record_of(
        *judged,
        reasons=tuple(reasons),
        kept={judged[0].gate.id: "2026-02-01T15:41:12Z"},
        waivers=(waiver,),
        subject__dirty=True,
        subject__dirt=("Cargo.lock",),
        subject__artifacts=(Artifact(name="plasmite_0.9.0_linux_amd64.tar.gz", sha256=CHECKS, size=1),),
        earlier=(Earlier(phase=Phase.BUILD, verdict="PASSED", commit=COMMIT, digest=CHECKS),),
        set_aside=("maxfail = 1 of pyproject.toml: every gate judges",),
        narrowed="-k versions",
        not_checked=("installs on macOS and Windows: no evidence from there",),
        verdict__notes=("waiver for test_old: not used",),
        locked=False,
    )


def hostile_record(text: str = "", texts: tuple[str, ...] = HOSTILE) -> Record:
    """Hostile text in every field that a project, a tool or a person fills."""
    texts = (text,) if text else texts
    judged: list[Judged] = []
    reasons: list[Reason] = []
    for number, evil in enumerate(texts):
        condition = Condition(kind="changed", name=evil, patterns=(evil, evil))
        one = gate(
            number,
            id=f"test_{number}.py::test_gate[{evil}]",
            title=evil,
            where=evil,
            remedy=evil,
            conditions=(condition,),
        )
        seen = attempt(
            one, State.FAILED, message=evil, where=evil, do=evil, log=evil, worker=evil, started=evil
        )
        judged.append(Judged(gate=one, state=State.FAILED, why=evil, attempts=(seen,)))
        reasons.append(Reason(code=State.FAILED, gate=one.id, message=evil, remedy=evil, where=evil))
        left = gate(number, id=f"{evil}::left", title=evil, conditions=(condition,))
        proof = Proof(condition=condition, held=False, reason=evil, base=evil, commit=evil, matched=(evil,))
        decision = Decision(gate=left.id, proofs=(proof,))
        judged.append(Judged(gate=left, state=State.NOT_TRIGGERED, why=evil, decision=decision))
        let = gate(number, id=f"{evil}::let", title=evil)
        waiver = Waiver(
            gate=let.id, release=evil, states=(State.FAILED,), reason=evil, owner=evil, approver=evil,
            created=evil, expires=evil,
        )  # fmt: skip
        judged.append(Judged(gate=let, state=State.WAIVED, attempts=(seen,), waiver=waiver))
        reasons.append(Reason(code="FACT", message=evil, remedy=evil, where=evil))
    evil = texts[0] if len(texts) == 1 else " ".join(texts[:12])
    return record_of(
        *judged,
        reasons=tuple(reasons),
        context__target=evil,
        context__target_why=evil,
        context__base=evil,
        context__base_why=evil,
        context__agent=evil,
        context__sandbox=True,
        context__faults=(evil,),
        subject__repository=evil,
        subject__commit=evil,
        subject__dirty=True,
        subject__dirt=(evil, evil),
        subject__checks=evil,
        subject__artifacts=(Artifact(name=evil, sha256=evil, size=1),),
        earlier=(Earlier(phase=Phase.BUILD, verdict="BLOCKED", commit=evil, digest=evil, problem=evil),),
        kept={judged[0].gate.id: evil},
        started=evil,
        finished=evil,
        environment={evil: evil, "note": evil},
        set_aside=(evil,),
        narrowed=evil,
        not_checked=(evil,),
        verdict__notes=(evil,),
        folder=evil,
        command=evil,
    )


def of_many(number: int) -> Record:
    """A PASSED record of so many gates."""
    gates = [gate(each) for each in range(number)]
    return record_of(*(Judged(gate=each, state=State.PASSED, attempts=(attempt(each),)) for each in gates))


def _texts() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=40))


@st.composite
def _records(draw: st.DrawFn) -> Record:
    ids = draw(st.lists(_texts().map(lambda text: text[:60]), min_size=0, max_size=8, unique=True))
    judged: list[Judged] = []
    reasons: list[Reason] = []
    for number, name in enumerate(ids):
        one = gate(
            number,
            id=f"test_{number}.py::{name}",
            title=draw(_texts()),
            where=draw(_texts()),
            advisory=draw(st.booleans()),
        )
        state = draw(st.sampled_from(State))
        said = draw(_texts())
        outcomes = draw(st.lists(st.sampled_from(State), max_size=3))
        attempts = tuple(
            attempt(one, outcome, number=count + 1, message=said, where=draw(_texts()))
            for count, outcome in enumerate(outcomes)
        )
        judged.append(Judged(gate=one, state=state, why=said, attempts=attempts))
        if not state.passing and not one.advisory:
            reasons.append(Reason(code=state, gate=one.id, message=said, remedy=draw(_texts())))
    for said in draw(st.lists(_texts(), max_size=2)):
        reasons.append(Reason(code="FACT", message=said))
    kept = {one.gate.id: "2026-02-01T15:41:00Z" for one in judged if draw(st.booleans())}
    return record_of(
        *judged,
        reasons=tuple(reasons),
        kept=kept,
        context__agent=draw(_texts()),
        context__sandbox=draw(st.booleans()),
        locked=draw(st.booleans()),
        not_checked=tuple(draw(st.lists(_texts(), max_size=2))),
    )


@pytest.fixture(scope="session")
def a_gate() -> Callable[..., Gate]:
    """Makes a plain gate."""
    return gate


@pytest.fixture(scope="session")
def an_attempt() -> Callable[..., Attempt]:
    """Makes a plain attempt of a gate."""
    return attempt


@pytest.fixture(scope="session")
def a_record() -> Callable[..., Record]:
    """Makes a record of given gates."""
    return record_of


@pytest.fixture(scope="session")
def passed() -> Record:
    return passed_record()


@pytest.fixture(scope="session")
def blocked() -> Record:
    return blocked_record()


@pytest.fixture(scope="session")
def hostile() -> Record:
    return hostile_record()


@pytest.fixture(scope="session", params=range(len(HOSTILE)))
def hostile_of_one(request: pytest.FixtureRequest) -> Record:
    """A record with one hostile text everywhere."""
    return hostile_record(HOSTILE[request.param] or "\x00")


@pytest.fixture(scope="session")
def many() -> Callable[[int], Record]:
    """Makes a PASSED record of so many gates."""
    return of_many


@pytest.fixture(scope="session")
def records() -> st.SearchStrategy[Record]:
    """Generates records that are consistent in themselves: blocking gates have reasons."""
    return _records()


class Seen(html.parser.HTMLParser):
    """A page as a browser without scripts reads it: elements, words, and the rows of the table."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.first_screen: list[str] = []
        self.rows: list[tuple[str, str]] = []
        self._open: list[str] = []
        self._state, self._gate, self._in_main = "", "", False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.elements.append((tag, names))
        if tag == "tr" and names.get("class") == "collapsible" and self.row_is_visible():
            self._state, self._gate = "", ""
        self._in_main = self._in_main or tag == "main"
        if tag not in ("meta", "input", "img", "source", "br"):
            self._open.append(f"{tag}.{names.get('class')}")

    def row_is_visible(self) -> bool:
        return not any(each.startswith("template.") for each in self._open)

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr" and self._state:
            self.rows.append((self._gate, self._state))
            self._state = ""
        if tag == "main":
            self._in_main = False
        while self._open and not self._open.pop().startswith(f"{tag}."):
            pass

    def handle_data(self, data: str) -> None:
        if any(each.startswith(("script.", "style.", "template.")) for each in self._open):
            return
        self.words.append(data)
        if self._in_main:
            self.first_screen.append(data)
        if any(each.startswith("td.col-result") for each in self._open):
            self._state += data
        elif "td.col-testId" in self._open and self._open[-1].startswith("code."):
            self._gate += data

    def attribute(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    def tags(self) -> Counter[str]:
        return Counter(tag for tag, _ in self.elements)


@pytest.fixture(scope="session")
def seen() -> type[Seen]:
    """Reads a page as a browser without scripts would."""
    return Seen


SUITE = """
    import pytest
    import pytest_html

    def test_passed():
        print("words of the gate that passed")

    def test_failed():
        found = "0.8.0"
        print("<b id=pwned>bold</b>")
        assert found == "0.9.0"

    @pytest.fixture
    def broken():
        raise RuntimeError("no cargo-audit here")

    def test_errored(broken):
        pass

    def test_flaky(extras):
        pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
        extras.append(pytest_html.extras.png(pixel + "DwADhgGAWjR9awAAAABJRU5ErkJggg=="))
        extras.append(pytest_html.extras.html("<b id=pwned>markup of a gate</b>"))
        extras.append(pytest_html.extras.url("javascript:alert(1)"))
        extras.append(pytest_html.extras.png("https://example.org/pixel.png"))

    @pytest.mark.parametrize("value", ["<img src=x id=pwned onerror=document.title='pwned'>"], ids=str)
    def test_of_no_record(value):
        pass
"""

HOOKS = """
    def pytest_html_results_table_html(report, data):
        data.append("<em id=pwned>words of a hook</em>")
"""


@pytest.fixture(scope="session")
def written_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file that the real pytest-html writes of a small suite in `release_checks/`."""
    project = tmp_path_factory.mktemp("project")
    checks = project / "release_checks"
    checks.mkdir()
    (project / "pytest.ini").touch()
    (checks / "test_2_versions.py").write_text(textwrap.dedent(SUITE))
    (checks / "conftest.py").write_text(textwrap.dedent(HOOKS))
    (checks / "test_9_broken.py").write_text("raise LookupError('this module cannot be collected')")
    report = project / "report.html"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"GITHUB_TOKEN": "ghs_" + "x" * 36, "GIT_URL": "https://ada:hunter2@example.org/x.git"}
    arguments = ["-p", "no:relgate", "-p", "no:randomly", "-p", "no:cacheprovider", "-q"]
    arguments += [f"--html={report}", "--self-contained-html", "--continue-on-collection-errors"]
    arguments += ["--metadata", "deploy_token", "hunter2", "--metadata", "Jenkins", "https://ada:hunter2@ci/"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "release_checks"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), run.stdout + run.stderr
    return report.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser. Its absence is a failure: what nobody looked at is not known to work."""
    place = shutil.which("chromium") or "/usr/bin/chromium"
    assert Path(place).exists(), "expected chromium at /usr/bin/chromium: apt-get install -y chromium"
    return place
