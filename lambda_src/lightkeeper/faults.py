"""What a failed call to AWS means, apart from the library that makes the call."""

from enum import StrEnum
from typing import Final

# Besides Lightsail's own UnauthenticatedException, what AWS answers to a request with a wrong or outdated signature.
_BAD_CREDENTIALS: Final = frozenset(
    {
        "UnauthenticatedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
_THROTTLED: Final = frozenset(
    {
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class Fault(StrEnum):
    """Why a call failed, by the error *code*: statuses and texts differ between documents."""

    INVALID_INPUT = "InvalidInputException"
    """Also what a name that is in use gives."""
    NOT_FOUND = "NotFoundException"
    OPERATION_FAILED = "OperationFailureException"
    """Lightsail could not, or would not now: an automatic snapshot is being taken, say."""
    ACCESS_DENIED = "AccessDeniedException"
    UNAUTHENTICATED = "UnauthenticatedException"
    """No credentials, or none that are valid in this Region: no call to it can succeed."""
    THROTTLED = "ThrottlingException"
    """Too many calls in too short a time: the same call works a little later."""
    UNAVAILABLE = "unavailable"
    """A fault of the service, a Region that is being set up, or a connection lost: later it may work."""


class CallError(Exception):
    """A call that failed after all its retries.

    Parameters
    ----------
    fault
        What it means.
    message
        A sentence that names the operation and says why.
    """

    def __init__(self, fault: Fault, message: str) -> None:
        self.fault = fault
        super().__init__(message)


_FAULTS: Final = {
    "InvalidInputException": Fault.INVALID_INPUT,
    "NotFoundException": Fault.NOT_FOUND,
    "OperationFailureException": Fault.OPERATION_FAILED,
    "AccessDeniedException": Fault.ACCESS_DENIED,
    "AccessDenied": Fault.ACCESS_DENIED,
}


def fault_of(code: str) -> Fault:
    """Return what a call's failure means, by the code that AWS answers."""
    if code in _BAD_CREDENTIALS:
        return Fault.UNAUTHENTICATED
    if code in _THROTTLED:
        return Fault.THROTTLED
    return _FAULTS.get(code, Fault.UNAVAILABLE)
