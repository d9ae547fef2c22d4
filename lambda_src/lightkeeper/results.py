"""The bucket with the documents of accounts and of the fleet, by boto3: the only module that knows Amazon S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from botocore.config import Config

from lightkeeper.aws import CONFIG, call_errors
from lightkeeper.errors import quote_all
from lightkeeper.faults import CallError
from lightkeeper.lightsail import shared_session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READERS: Final = 16
"""Documents that may be read side by side."""
_JSON: Final = "application/json"


class ResultsError(Exception):
    """A document could not be written or read; a sentence that says why."""


class Results:
    """The bucket. Each method makes one call, but for `keys`, and raises `ResultsError` when it fails.

    Parameters
    ----------
    bucket
        Its name.
    region
        Where it is.

    Raises
    ------
    ResultsError
        If the configured profile cannot be used.
    """

    def __init__(self, bucket: str, *, region: str) -> None:
        self._bucket = bucket
        with self._errors("s3:GetObject"):
            self._client: S3Client = shared_session().client(
                "s3", region_name=region, config=CONFIG.merge(Config(max_pool_connections=READERS))
            )

    def close(self) -> None:
        """Close the connections; the object is of no use afterwards."""
        self._client.close()

    def put(self, key: str, document: str) -> None:
        """Write a document, in place of what was there."""
        with self._errors("s3:PutObject"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=document.encode(), ContentType=_JSON)

    def get(self, key: str) -> str | None:
        """Return a document; None: there is none. AWS says so only to those who may list the bucket, too."""
        with self._errors("s3:GetObject"):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode(errors="replace")
            except self._client.exceptions.NoSuchKey:
                return None

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys that begin with `prefix`, in order; reads all pages."""
        with self._errors("s3:ListBucket"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return tuple(entry["Key"] for page in pages for entry in page.get("Contents", []))

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        try:
            with call_errors(action):
                yield
        except CallError as error:
            raise ResultsError(f"the bucket {quote_all([self._bucket])}: {error}") from error
