"""What the few calls to AWS beside Lightsail's have in common, by boto3: time-outs, and errors as `CallError`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from lightkeeper.faults import CallError, Fault, fault_of

_ATTEMPTS: Final = 3
_CONNECT_SECONDS: Final = 2
_READ_SECONDS: Final = 5
# botocore's standard mode waits up to 1, 2, 4, ... seconds between attempts.
SLOWEST_CALL_SECONDS: Final = _ATTEMPTS * (_CONNECT_SECONDS + _READ_SECONDS) + 2 ** (_ATTEMPTS - 1) - 1
"""A call that uses up its attempts, each to its time-out."""
CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    connect_timeout=_CONNECT_SECONDS,
    read_timeout=_READ_SECONDS,
)
"""Of a client whose calls end within `SLOWEST_CALL_SECONDS`."""


@contextmanager
def call_errors(action: str, *, expected: str | None = None) -> Iterator[None]:
    """Turn botocore's errors into `CallError`.

    Parameters
    ----------
    action
        As IAM names what is called, such as ``s3:PutObject``.
    expected
        How the sentence on a refusal ends; None: with the permission for the action.
    """
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        code = answer.get("Code", "unknown error")
        fault = fault_of(code)
        end = f"; expected {expected or f'permission for {action}'}" if fault is Fault.ACCESS_DENIED else ""
        raise CallError(fault, f"{action}: {code}: {answer.get('Message', '')}{end}") from error
    except (BotoCoreError, ResponseParserError) as error:
        raise CallError(Fault.UNAVAILABLE, f"{action}: {error}") from error
