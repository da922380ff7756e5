"""What an audit asks obeys the limits of what is asked for, and its own deadline beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit_pages import Said
from pytest_relgate.audit.keeping import Keeping
from pytest_relgate.net.exchange import Unreachable, Why
from pytest_relgate.net.request import DOCUMENT, PAGE
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    import pytest


def test_a_registrys_document_is_cut_where_a_gate_cuts_it(request: pytest.FixtureRequest) -> None:
    """A chunked answer states no length, so that only what is kept of it is counted."""
    chunks = [bytes(1 << 20)] * 9
    served = serve(Said({"/large": Answer(200, chunks, {"content-type": "application/json"})}))
    request.addfinalizer(served.close)
    with Keeping() as http:
        found = http.get(f"{served.url}/large", limits=PAGE._replace(size=DOCUMENT * 4))
    assert isinstance(found, Unreachable)
    assert (found.why, "8388608" in found.words) == (Why.TOO_LARGE, True)
