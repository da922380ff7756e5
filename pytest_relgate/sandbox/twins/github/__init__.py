"""The loopback twin of GitHub: its REST API, its pages for downloads, and the storage behind them."""

from pytest_relgate.sandbox.twins.github.objects import ObjectsTwin
from pytest_relgate.sandbox.twins.github.twin import GitHubTwin

__all__ = ["GitHubTwin", "ObjectsTwin"]
