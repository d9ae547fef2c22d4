"""Whose account a call is made in: the one that its access key belongs to."""

import re
from http.client import HTTPConnection, HTTPSConnection
from typing import Final
from urllib.parse import urlencode, urlsplit

from moto.core.models import DEFAULT_ACCOUNT_ID

DEFAULT_ACCOUNT: Final = DEFAULT_ACCOUNT_ID
"""The account of every access key that says nothing about one."""
_ACCOUNT: Final = re.compile(r"\d{12}")
_TEMPORARY: Final = "ASIA"
"""How the keys of a role's session begin. Source: IAM's documentation of unique identifiers."""
_FOUND: Final = re.compile(rb"<Account>(\d{12})</Account>")
_PATIENCE_SECONDS: Final = 20


class UnknownKeyError(Exception):
    """No account has this access key."""


class Accounts:
    """The accounts of access keys; what STS has said of a key is remembered."""

    def __init__(self) -> None:
        self._of_sessions: dict[str, str] = {}

    def of(self, access_key_id: str, sts_url: str | None) -> str:
        """Return the account of a key: a key of 12 digits is its account's, as in other local clouds.

        Parameters
        ----------
        access_key_id
            The key.
        sts_url
            Where to ask for the account of a role's session. None: it is the default one, as every other key's.

        Raises
        ------
        UnknownKeyError
            If STS does not know the key of a session.
        """
        if _ACCOUNT.fullmatch(access_key_id):
            return access_key_id
        if sts_url is None or not access_key_id.startswith(_TEMPORARY):
            return DEFAULT_ACCOUNT
        if access_key_id not in self._of_sessions:
            self._of_sessions[access_key_id] = _ask(sts_url, access_key_id)
        return self._of_sessions[access_key_id]


def _ask(sts_url: str, access_key_id: str) -> str:
    address = urlsplit(sts_url)
    asked = urlencode({"Action": "GetAccessKeyInfo", "Version": "2011-06-15", "AccessKeyId": access_key_id})
    # Another service than STS may answer at the same address, and tells them apart by what a request is signed for.
    signed = f"AWS4-HMAC-SHA256 Credential={DEFAULT_ACCOUNT}/20260101/us-east-1/sts/aws4_request"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": signed}
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("POST", "/", asked, headers)
        found = _FOUND.search(connection.getresponse().read())
    finally:
        connection.close()
    if found is None:
        raise UnknownKeyError(f"STS at {sts_url} knows no account of the access key {access_key_id}.")
    return found[1].decode()
