"""Lightsail's errors. Clients match on the code, never on the HTTP status."""

import json

from moto.core.exceptions import ServiceException

_STATUSES = {
    "ServiceException": 500,
    "InvalidInputException": 400,
    "NotFoundException": 404,
    "OperationFailureException": 400,
    "AccessDeniedException": 403,
    "AccountSetupInProgressException": 428,
    "RegionSetupInProgressException": 428,
    "UnauthenticatedException": 401,
    # Outside Lightsail's model; botocore knows it from all of AWS and retries.
    "ThrottlingException": 400,
    # Not Lightsail's: an operation nobody has, and a bug of the sandbox.
    "UnknownOperationException": 404,
    "SandboxAnswerError": 500,
}


def error_status(code: str) -> int:
    """Give the HTTP status that goes with an error code; 400 for one that Lightsail does not have."""
    return _STATUSES.get(code, 400)


def error_body(code: str, message: str) -> str:
    """Write an error as the JSON protocol has it."""
    return json.dumps({"__type": code, "code": code, "message": message})


class LightsailError(ServiceException):
    """An error that the service answers."""


class InvalidInputError(LightsailError):
    """The request is not well formed, or a name is in use."""

    code = "InvalidInputException"


class NotFoundError(LightsailError):
    """There is no such resource."""

    code = "NotFoundException"


class OperationFailureError(LightsailError):
    """The operation cannot be carried out in the resource's present state."""

    code = "OperationFailureException"


class AccessDeniedError(LightsailError):
    """The caller may not do this."""

    code = "AccessDeniedException"


class UnauthenticatedError(LightsailError):
    """The caller is not known."""

    code = "UnauthenticatedException"


class UnknownOperationError(LightsailError):
    """The sandbox does not do this operation. A 4xx, so that no client retries in vain."""

    code = "UnknownOperationException"


class SandboxAnswerError(LightsailError):
    """The sandbox has made an answer that AWS's own model refuses: a bug of the sandbox."""

    code = "SandboxAnswerError"
