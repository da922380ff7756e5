"""The heart: judges what is on record, and knows neither pytest nor network nor disk nor clock."""

from pytest_relgate.judge.conditions import decide_conditions, decide_every, proof_problem
from pytest_relgate.judge.decide import decide
from pytest_relgate.judge.reconcile import reconcile
from pytest_relgate.judge.settle import settle
from pytest_relgate.judge.waivers import match_waivers

__all__ = [
    "decide",
    "decide_conditions",
    "decide_every",
    "match_waivers",
    "proof_problem",
    "reconcile",
    "settle",
]
