"""How the command line finds AWS: the Region as the AWS CLI reads it, and the addresses of services."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.parsers import ResponseParserError

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError, Fault

_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_ANY_REGION: Final = "us-east-1"
_REFUSED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def own_region() -> str | None:
    """Return the Region that is configured, read as the AWS CLI does: boto3 itself does not read `AWS_REGION`.

    Raises
    ------
    CallError
        If the configured profile cannot be used.
    """
    with aws_errors("connecting"):
        return os.environ.get("AWS_REGION") or boto3.Session().region_name


def is_at_aws(endpoint_url: str | None) -> bool:
    """Return whether calls to Lightsail go to AWS, and not to an address given here, in the environment or a profile.

    Raises
    ------
    InvalidValueError
        If the address is none.
    CallError
        If the configured profile cannot be used.
    """
    with aws_errors("connecting"):
        client = boto3.Session().client("lightsail", region_name=_ANY_REGION, endpoint_url=endpoint_url)
        host = urlsplit(client.meta.endpoint_url).hostname or ""
        client.close()
    return host.lower().rstrip(".").endswith(_AWS)


@contextmanager
def aws_errors(operation: str, permission: str | None = None) -> Iterator[None]:
    """Turn what boto3 raises into a sentence: a person's mistake, or a call that failed."""
    try:
        yield
    except ClientError as error:
        code, text = (error.response["Error"].get(key, "") for key in ("Code", "Message"))
        refused = permission and code in _REFUSED
        raise CallError(
            Fault.ACCESS_DENIED if refused else Fault.UNAVAILABLE,
            f"{operation}: {code}: {text}" + (f"; expected permission for {permission}" if refused else ""),
        ) from error
    except InvalidValueError:
        raise
    except ParamValidationError as error:
        raise InvalidValueError(f"{operation}: {' '.join(str(error).split())}") from None
    except (BotoCoreError, ResponseParserError) as error:
        raise CallError(Fault.UNAVAILABLE, f"{operation}: {error}") from error
    except ValueError as error:
        # Of an address.
        raise InvalidValueError(f'{error}; expected an address such as "http://127.0.0.1:5055"') from None
