"""An incident as it is written down: found again by its key, safe to show, and whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import incident as written
from pytest_relgate.evidence import incident_report as report
from pytest_relgate.judge.incidents import Kind

if TYPE_CHECKING:
    from pathlib import Path


def key(**facts: Any) -> str:
    plain = {"project": "demo", "release": "v0.5.0", "kind": Kind.CHANNELS, "about": "", "sandbox": False}
    return written.key_of(**(plain | facts))


def document(**facts: Any) -> written.IncidentDocument:
    plain: dict[str, Any] = {
        "schema": 1,
        "key": key(),
        "kind": Kind.CHANNELS,
        "title": "partial publish: crates got it, npm did not",
        "words": "partial publish: crates got it, npm did not",
        "project": "demo",
        "release": "v0.5.0",
        "at": "2026-03-16T12:00:00Z",
    }
    return written.IncidentDocument(**(plain | facts))


@pytest.mark.parametrize("release", ["0.5.0", "v0.5.0", "V0.5.0", " v0.5.0 "])
def test_a_release_is_one_however_it_is_spelt(release: str) -> None:
    assert written.tag_of(release, "here") == "v0.5.0"
    assert key(release=release) == key()


@pytest.mark.parametrize("release", ["", "v", "0.5", "vv0.5.0", "v0.05.0", "banana", "v0.5.0\n- x"])
def test_what_is_no_release_is_refused(release: str) -> None:
    with pytest.raises(RelgateError, match=r"here: expected a release like v0\.5\.0, found"):
        written.tag_of(release, "here")


@pytest.mark.parametrize(
    "other",
    [
        {"project": "other"},
        {"release": "v0.5.0-rc.1"},
        {"release": "v0.5.1"},
        {"kind": Kind.WORKFLOW},
        {"about": "build"},
        {"sandbox": True},
    ],
)
def test_another_incident_has_another_key(other: dict[str, Any]) -> None:
    assert key(**other) != key()


def test_a_declared_reason_is_one_however_it_is_folded() -> None:
    said = {"kind": Kind.EXCEPTION, "about": "The tap\n  was pushed by hand"}
    assert key(**said) == key(kind=Kind.EXCEPTION, about="the tap was pushed by hand ")
    assert key(**said) != key(kind=Kind.EXCEPTION, about="the tap was pushed by Ada")


def test_gates_whose_ids_differ_in_case_are_two() -> None:
    ids = ("test_a.py::test_gate[fmt]", "test_a.py::test_gate[FMT]")
    assert len({key(kind=Kind.EXCEPTION, about=one) for one in ids}) == 2


@given(st.text())
def test_the_key_stands_in_every_body_and_only_once(words: str) -> None:
    body = report.markdown(document(words=words, remedy=(words,), agent=words))
    assert report.key_in(body) == key()
    assert body.count("<!-- relgate-incident:") - words.count("<!-- relgate-incident:") * 3 == 1
    assert len(report.title(document(title=words))) <= 256


def test_a_key_that_a_log_writes_is_not_taken_for_the_bodys_own() -> None:
    forged = "<!-- relgate-incident: 0123456789abcdef -->"
    job = written.JobLine("a", "failure", excerpt=(forged,))
    assert report.key_in(report.markdown(document(words=forged, jobs=(job,)))) == key()


def test_nothing_that_a_log_says_becomes_a_mention_a_link_or_markup() -> None:
    evil = "@ada see #12 <img src=x> [x](http://evil.example) ```"
    job = written.JobLine(evil, "failure", url="javascript:alert(1)", excerpt=(evil,))
    body = report.markdown(document(words=evil, jobs=(job,), waiver=evil))
    outside = re.sub(r"(`+).*?\1", "", re.sub(r"(?ms)^(`{3,})$.*?^\1$", "", body))
    assert "javascript" not in body
    assert evil in body
    assert not re.search(r"@ada|#12|<img|evil", outside)


def test_a_long_incident_is_cut_and_keeps_its_key() -> None:
    job = written.JobLine("a", "failure", excerpt=tuple("x" * 300 for _ in range(20)))
    gates = tuple(written.GateLine(f"g{n}", "FAILED", found="y" * 5000, do="z" * 5000) for n in range(40))
    body = report.markdown(document(jobs=(job,) * 30, gates=gates))
    assert len(body) < 65_536
    assert report.key_in(body) == key()
    assert "this is cut" in body


def test_what_was_written_is_read_again_and_its_history_is_kept(tmp_path: Path) -> None:
    first = document(evidence="sha256:1")
    place = written.write(tmp_path, first, report.markdown(first))
    assert place == tmp_path / "incidents" / f"channels-{key()}.json"
    assert written.decode(place.read_bytes(), "x") == first
    assert place.with_suffix(".md").read_text() == report.markdown(first)
    assert written.with_history(tmp_path, first) == first
    later = document(evidence="sha256:2", at="2026-03-17T12:00:00Z", words="now npm disagrees")
    whole = written.with_history(tmp_path, later)
    assert [(one.evidence, one.words) for one in whole.before] == [("sha256:1", first.words)]
    written.write(tmp_path, whole, report.markdown(whole))
    assert written.with_history(tmp_path, later) == whole
    assert "2026-03-16T12:00:00Z: partial publish" in report.markdown(whole)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"schema": 2}', b"\xff"])
def test_what_is_no_incident_is_said_in_one_line(raw: bytes) -> None:
    with pytest.raises(RelgateError, match=r"x\.json: expected an incident as relgate writes it"):
        written.decode(raw, "x.json")


def test_the_document_says_which_schema_it_is() -> None:
    assert msgspec.json.decode(written.encode(document()))["schema"] == 1
