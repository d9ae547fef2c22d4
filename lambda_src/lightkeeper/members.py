"""The way into another account: a role there that this deployment may assume. The only module that knows AWS STS."""

from contextlib import closing
from typing import TYPE_CHECKING, Final

from lightkeeper.aws import CONFIG, call_errors
from lightkeeper.credentials import Credentials
from lightkeeper.faults import CallError, Fault
from lightkeeper.lightsail import shared_session

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

_LONGEST_NAME: Final = 64


class NotOnboardedError(Exception):
    """The account does not let this deployment in: it has no such role, or one that trusts somebody else."""


def assume(role: str, *, external_id: str, session: str, region: str) -> Credentials:
    """Return credentials of a role, for an hour. Makes one call; nothing of it is kept for another account's.

    Parameters
    ----------
    role
        Its ARN.
    external_id
        What its trust asks for: the deployment's name.
    session
        A name for the session, which AWS's log of the account shows; see `session_name`.
    region
        Whose STS is asked: sessions of a Region's own are valid in every other, those of the global one are not.

    Raises
    ------
    NotOnboardedError
        If AWS refuses: it does not tell a role that is missing from one that trusts somebody else.
    CallError
        If it cannot be asked, or refuses the credentials that ask.
    """
    expected = f'the role {role} in the account, with "{external_id}" as external id'
    try:
        with call_errors("sts:AssumeRole", expected=expected), closing(_client(region)) as client:
            answer = client.assume_role(RoleArn=role, RoleSessionName=session, ExternalId=external_id)
    except CallError as error:
        if error.fault is Fault.ACCESS_DENIED:
            raise NotOnboardedError(str(error)) from error
        raise
    keys = answer["Credentials"]
    return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def session_name(deployment: str, purpose: str) -> str:
    """Return a name for a session that says whose it is and what for: STS takes 2 to 64 characters."""
    end = f"-{purpose}"
    return f"{deployment[: _LONGEST_NAME - len(end)]}{end}"


def _client(region: str) -> "STSClient":
    # A client for each call: what botocore has learnt of one account's failures would cost the next one its retries.
    return shared_session().client("sts", region_name=region, config=CONFIG)
