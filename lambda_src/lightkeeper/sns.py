"""The topic that notifies people, by boto3: the only module that knows Amazon SNS."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from lightkeeper.aws import CONFIG
from lightkeeper.errors import InvalidValueError
from lightkeeper.message import Message
from lightkeeper.notify import TopicError

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_sns import SNSClient

_DENIED: Final = frozenset({"AuthorizationError", "AuthorizationErrorException", "AccessDenied"})
_ARN_PARTS: Final = 6


class Topic:
    """An SNS topic. Each method makes one call, and raises `TopicError` when it fails.

    Parameters
    ----------
    arn
        Its ARN; its Region is the one in there.

    Raises
    ------
    InvalidValueError
        If the ARN is none.
    """

    def __init__(self, arn: str) -> None:
        parts = arn.split(":")
        if len(parts) != _ARN_PARTS or parts[2] != "sns":
            raise InvalidValueError(f'"{arn}" is not the ARN of a topic; expected "arn:aws:sns:REGION:ACCOUNT:NAME"')
        self.arn = arn
        self.notified_for: datetime | None = None
        self._client: SNSClient = boto3.Session().client("sns", region_name=parts[3], config=CONFIG)

    def close(self) -> None:
        """Close the connections; the object is of no use afterwards."""
        self._client.close()

    def publish(self, message: Message) -> None:
        """Send a message to everybody who listens."""
        with _errors("Publish"):
            self._client.publish(TopicArn=self.arn, Subject=message.subject, Message=message.body)

    def tags(self) -> Mapping[str, str]:
        """Return the topic's tags, anybody's."""
        with _errors("ListTagsForResource"):
            answer = self._client.list_tags_for_resource(ResourceArn=self.arn)
        return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        with _errors("TagResource"):
            self._client.tag_resource(
                ResourceArn=self.arn, Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
            )

    def untag(self, keys: Iterable[str]) -> None:
        """Remove tags."""
        with _errors("UntagResource"):
            self._client.untag_resource(ResourceArn=self.arn, TagKeys=[*keys])


@contextmanager
def _errors(operation: str) -> Iterator[None]:
    """Turn botocore's errors into `TopicError`."""
    try:
        yield
    except ClientError as error:
        answer = error.response["Error"]
        code = answer.get("Code", "unknown error")
        expected = f"; expected permission for sns:{operation}" if code in _DENIED else ""
        raise TopicError(
            f"{operation}: {code}: {answer.get('Message', '')}{expected}", is_refused=code in _DENIED
        ) from error
    except BotoCoreError as error:
        raise TopicError(f"{operation}: {error}") from error
