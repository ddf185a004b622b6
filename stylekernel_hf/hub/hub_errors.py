"""Errors of the Hub, as OSErrors that name the repository and say what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

HTTP_ERROR: type[Exception] = HfHubHTTPError.__bases__[0]
"""The error class of the HTTP library below huggingface_hub, which differs by version."""


@contextmanager
def hub_errors(repo_id: str, argument: str, revision: str | None = None) -> Generator[None]:
    """Name `argument` and the repository in any error of a call of huggingface_hub.

    Answers of the Hub stay huggingface_hub's errors, and errors of the disk stay OSErrors with
    their number. All others come from the HTTP library or from an answer that is not a Hub's, such
    as a proxy's page; they become ConnectionErrors.
    """
    try:
        yield
    except (HFValidationError, MemoryError):
        raise  # The first names the repository already, the second is the machine's.
    except Exception as error:  # The HTTP library's classes differ between versions.
        raise _with_advice(error, repo_id, argument, revision) from error


def unreachable(repo_id: str, argument: str, failure: OSError) -> LocalEntryNotFoundError:
    """Return the error for files that are not in the cache while the Hub does not answer."""
    error = LocalEntryNotFoundError(
        f"{argument}: '{repo_id}' can neither be reached nor found in the cache; "
        f"check the connection and try again: {reason(failure.__cause__ or failure)}"
    )
    error.__cause__ = failure
    return error


def reason(error: BaseException) -> str:
    """Return an error and its cause in one line; some errors of HTTP libraries have no message."""
    text = " ".join(str(error).split())
    cause = str(error.__cause__ or "")
    more = f" ({' '.join(cause.split())})" if cause and cause not in str(error) else ""
    return f"{type(error).__name__}: {text}{more}".removesuffix(": ")


def _with_advice(error: Exception, repo_id: str, argument: str, revision: str | None) -> OSError:
    if isinstance(error, RevisionNotFoundError):
        return RevisionNotFoundError(
            f"revision: '{repo_id}' on the Hub has no '{revision or 'main'}'; give one of "
            "its branches, tags or commits, or leave revision out",
            response=error.response,
        )
    if isinstance(error, RepositoryNotFoundError):
        return type(error)(
            f"{argument}: no such folder, and no repository on the Hub that may be read "
            f"from here: '{repo_id}'; check the name, and for a private one give token= "
            "or log in with `hf auth login`",
            response=error.response,
        )
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status == 412:  # The parent of the commit is not the last commit any more.
            return HfHubHTTPError(
                f"{argument}: somebody pushed to '{repo_id}' in the meantime; look at it, and "
                "push again",
                response=error.response,
            )
        return type(error)(
            f"{argument}: the Hub answered {status} for '{repo_id}'{_advice(status)}: "
            f"{reason(error)}",
            response=error.response,
        )
    if isinstance(error, LocalEntryNotFoundError):
        return unreachable(repo_id, argument, error)
    if isinstance(error, LocalTokenNotFoundError | OfflineModeIsEnabled):
        return type(error)(f"{argument}: '{repo_id}' on the Hub: {error}")
    if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
        place = f" ('{error.filename}')" if error.filename else ""
        return OSError(
            error.errno,
            f"{argument}: '{repo_id}' cannot be stored on this disk{place}: {error.strerror}; "
            "make room, or set HF_HOME to a place that can be written",
        )
    return ConnectionError(
        f"{argument}: the connection to the Hub failed for '{repo_id}'; check the network, and "
        f"HF_ENDPOINT if it is set, and try again: {reason(error)}"
    )


def _advice(status: int) -> str:
    if status in (401, 403):
        return "; check the token, by token= or `hf auth login`, and what it may do"
    return "; try again later" if status >= 500 or status in (408, 429) else ""
