"""Why a connection gave no answer: the exceptions of httpx and httpcore, each as a reason in one line."""

from __future__ import annotations

import ssl

import httpcore
import httpx

from pytest_relgate.net.exchange import Why
from pytest_relgate.net.hop import Stop

CAUGHT = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.ProxyError,
    httpx.HTTPError,
    httpx.InvalidURL,
    ValueError,
    OSError,
)
"""What a request may raise."""


def stop_of(error: Exception, *, seconds: float, size: int) -> Stop:  # noqa: PLR0911  (a case each)
    """Why there is no whole answer, after ``size`` bytes of it; ``seconds`` is what it had."""
    match error:
        case httpcore.TimeoutException() | httpx.TimeoutException():
            return Stop(Why.TIMEOUT, f"no whole answer came within {seconds:g} s")
        case httpcore.ConnectError():
            return _no_connection(error)
        case httpcore.RemoteProtocolError() if _is_cut(str(error)):
            return Stop(Why.TRUNCATED, f"the answer broke off after {size} bytes")
        case httpcore.RemoteProtocolError():
            return _no_http(error)
        case httpcore.ReadError() | httpcore.WriteError():
            return Stop(Why.RESET, f"the connection was reset after {size} bytes")
        case httpcore.ProtocolError() | httpcore.UnsupportedProtocol() | httpcore.ProxyError():
            return Stop(Why.PROTOCOL, f"no HTTP answer: {_line(error)}")
        case _:
            return Stop(Why.PROTOCOL, f"it could not be asked: {_line(error)}")


def _is_cut(words: str) -> bool:
    return "without sending complete message body" in words or "incomplete chunked read" in words


def _no_connection(error: Exception) -> Stop:
    cause = error
    while (deeper := cause.__cause__ or cause.__context__) is not None and isinstance(deeper, Exception):
        cause = deeper
    words = _line(cause) or _line(error)
    if isinstance(cause, ssl.SSLError):
        return Stop(Why.TLS, f"its certificate or its TLS was refused: {words}")
    if type(cause).__name__ == "gaierror":
        return Stop(Why.NAME, f"its name could not be resolved: {words}")
    if isinstance(cause, ConnectionResetError):
        return Stop(Why.RESET, "the connection was reset before an answer")
    return Stop(Why.REFUSED, f"no connection: {words}")


def _no_http(error: Exception) -> Stop:
    if "disconnected without sending" in str(error):
        return Stop(Why.RESET, "the connection was closed before an answer")
    return Stop(Why.PROTOCOL, f"no HTTP answer: {_line(error)}")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
