"""Deletes what a stack has left behind that is gone: the bucket with what runs said of each account, which is a cache.

CloudFormation deletes no bucket with something in it, and while the stack is there, a run may write to it.
"""

import json
from typing import Final

from infra.aws_cli import NO_STACK, AwsCliError, ask

_ITS_BUCKET: Final = "Stacks[0].Outputs[?OutputKey=='ResultsBucket'].OutputValue"


def delete_leftovers(stack: str) -> list[str]:
    """Delete the buckets that the last stack of that name has left behind; return their names. None if it is there.

    Raises
    ------
    AwsCliError
        If AWS cannot be asked, or refuses.
    """
    if _exists(stack):
        return []
    deleted = []
    for bucket in _left_by(stack):
        try:
            ask("s3", "rb", f"s3://{bucket}", "--force")
        except AwsCliError as error:
            # It was deleted before.
            if "NoSuchBucket" not in str(error):
                raise
        else:
            deleted.append(bucket)
    return deleted


def _exists(stack: str) -> bool:
    try:
        ask("cloudformation", "describe-stacks", "--stack-name", stack)
    except AwsCliError as error:
        if NO_STACK in str(error):
            return False
        raise
    return True


def _left_by(stack: str) -> list[str]:
    """Return the bucket that the last stack of that name had. CloudFormation knows its outputs for 90 days."""
    of_that_name = f"StackSummaries[?StackName=='{stack}'].StackId"
    gone = _named(of_that_name, "list-stacks", "--stack-status-filter", "DELETE_COMPLETE")
    if not gone:
        return []
    return _named(_ITS_BUCKET, "describe-stacks", "--stack-name", gone[0])


def _named(query: str, *arguments: str) -> list[str]:
    answer = ask("cloudformation", *arguments, "--query", query, "--output", "json")
    names: list[str] = json.loads(answer) or []
    return names
