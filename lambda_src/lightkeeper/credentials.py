"""Credentials of a role, and what helps where AWS or boto3 refuses some: the end of a sentence. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field
from shlex import quote
from typing import Final

from lightkeeper.errors import InvalidValueError, closest, quote_all

_FEW: Final = 12
"""So many profiles are said one by one."""
# By the code that AWS answers, or by boto3's name for what it met before it could ask.
_HELP: Final = (
    (
        ("MissingAuthenticationToken", "MissingAuthenticationTokenException", "NoCredentialsError"),
        '"aws configure{of}" stores an access key, "aws sso login{of}" logs in, --profile NAME names another profile',
    ),
    (("PartialCredentialsError",), '"aws configure{of}" stores both keys'),
    (
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
        'they have expired: log in again with "aws sso login{of}", or get new ones where these came from',
    ),
    (
        ("SSOError", "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError"),
        'log in again with "aws sso login{of}"',
    ),
    (("LoginRefreshRequired", "LoginTokenLoadError"), 'log in again with "aws login{of}"'),
    (
        ("InvalidClientTokenId", "UnrecognizedClientException"),
        'or else AWS does not know this access key: "aws configure{of}" stores another one',
    ),
    (
        ("IncompleteSignature", "InvalidSignatureException", "SignatureDoesNotMatch"),
        'the secret key does not fit the access key, or this clock is wrong: "aws configure{of}" stores both keys',
    ),
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Those of a role's session; they end by themselves, an hour after they were given at the latest."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


def what_helps(code: str, profile: str | None) -> str | None:
    """Return what to do about an error of credentials, in words that follow a semicolon; None where nobody knows.

    Parameters
    ----------
    code
        The code that AWS answers, or the name of boto3's exception.
    profile
        The AWS profile in use; None for the default one.
    """
    of = f" --profile {quote(profile)}" if profile else ""
    return next((words.format(of=of) for codes, words in _HELP if code in codes), None)


def no_such_profile(profile: str, known: Collection[str]) -> InvalidValueError:
    """Return the error of a profile that does not exist, with the one most like it of those that do."""
    make = f'"aws configure --profile {quote(profile)}" makes it'
    if not known:
        return InvalidValueError(f'there is no AWS profile "{profile}", nor any other; {make}')
    names = sorted(known)
    more = f" and {len(names) - _FEW} more" if names[_FEW:] else ""
    return InvalidValueError(
        f'there is no AWS profile "{profile}"; expected {quote_all(names[:_FEW])}{more}, or {make}',
        closest(profile, names),
    )
