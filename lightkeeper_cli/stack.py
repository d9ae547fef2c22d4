"""The settings of a deployed stack, read from its function: so the command line and the function can't drift apart."""

import json
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lightkeeper.errors import InvalidValueError, as_json
from lightkeeper.json_objects import ObjectReader, as_object
from lightkeeper.notify import TOPIC_VARIABLE
from lightkeeper.organization import MEMBER_ROLE_VARIABLE, RESULTS_VARIABLE, MemberRoles
from lightkeeper.settings import ENVIRONMENT_VARIABLE, Settings, SettingsError
from lightkeeper_cli.aws import aws_errors

_OUTPUT: Final = "FunctionName"
_NEVER_DEPLOYED: Final = "REVIEW_IN_PROGRESS"
_VERSION: Final = "Version"
_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=5,
    read_timeout=20,
)


class MissingStackError(InvalidValueError):
    """There is no stack of that name."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a stack has been deployed with."""

    settings: Settings
    region: str
    """Where the stack is."""
    version: str | None
    """The release that it has been deployed with; None: one from before stacks said so."""
    function: str
    """Its function's name."""
    topic: str | None
    """The ARN of its topic."""
    roles: MemberRoles | None
    """Those in the accounts that it looks after beside its own; None: there are none."""
    results: str | None
    """The bucket with the fleet's document, where it looks after other accounts."""


def read_deployed(stack: str, region: str | None) -> Deployed:
    """Return the settings of the stack of that name in a Region.

    Raises
    ------
    MissingStackError
        If there is no such stack.
    InvalidValueError
        If it is not one of Lightkeeper.
    SettingsError
        If this release cannot read the deployed settings.
    CallError
        If AWS cannot be asked.
    """
    if region is None:
        raise InvalidValueError(f'no Region to look for the stack "{stack}" in; expected AWS_REGION to name it')
    # Without a name, CloudFormation would describe any.
    if not stack.strip():
        raise InvalidValueError(f'"{stack}" is not the name of a stack; expected that of a stack of Lightkeeper')
    outputs = _outputs(stack, region)
    if _OUTPUT not in outputs:
        raise InvalidValueError(f'the stack "{stack}" has no output {_OUTPUT}; expected a stack of Lightkeeper')
    function = outputs[_OUTPUT]
    variables = _variables(function, stack, region)
    if ENVIRONMENT_VARIABLE not in variables:
        raise InvalidValueError(
            f'{function}, the function of the stack "{stack}", has no variable {ENVIRONMENT_VARIABLE}; expected a '
            "stack of Lightkeeper"
        )
    try:
        settings = Settings.from_env(variables)
    except SettingsError as error:
        hint = f'deploy the stack "{stack}" again with this release, or use the command of the release that deployed it'
        raise SettingsError([*(f'the stack "{stack}": {sentence}' for sentence in error.errors), hint]) from None
    role = variables.get(MEMBER_ROLE_VARIABLE)
    return Deployed(
        settings=settings,
        region=region,
        version=outputs.get(_VERSION),
        function=function,
        topic=variables.get(TOPIC_VARIABLE),
        roles=MemberRoles.of(role) if role else None,
        results=variables.get(RESULTS_VARIABLE),
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a test message."""

    sent: tuple[str, ...]
    """The ARNs of the topics that took it."""
    failures: tuple[str, ...]


def send_test(deployed: Deployed) -> Sent:
    """Have a deployment's function send a test message.

    Raises
    ------
    InvalidValueError
        If the function is of a release that knows no test message, or fails otherwise.
    CallError
        If AWS cannot be asked.
    """
    with aws_errors("Invoke", "lambda:InvokeFunction"):
        client = boto3.Session().client("lambda", region_name=deployed.region, config=_CONFIG)
        with closing(client):
            answer = client.invoke(FunctionName=deployed.function, Payload=json.dumps({"testNotification": True}))
            said = answer["Payload"].read().decode()
    try:
        read = ObjectReader(as_object(json.loads(said), "an object"))
    except (ValueError, InvalidValueError):
        read = ObjectReader({})
    nothing: tuple[str, ...] = ()
    sent, failures = (read.value(key, _texts, nothing) for key in ("sent", "failures"))
    if answer.get("FunctionError") or not (sent or failures):
        raise InvalidValueError(
            f"{deployed.function} has sent nothing ({said}); expected a stack of this release: deploy it again"
        )
    return Sent(sent, failures)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidValueError(f"{as_json(value)} is not a list")
    return tuple(map(str, value))


def output_of(stack: str, region: str, output: str) -> str | None:
    """Return an output of a stack; None if it has none of that name.

    Raises
    ------
    InvalidValueError
        If there is no such stack.
    CallError
        If AWS cannot be asked.
    """
    return _outputs(stack, region).get(output)


def _outputs(stack: str, region: str) -> dict[str, str]:
    """Return the outputs of a stack, by their names."""
    with aws_errors("DescribeStacks", "cloudformation:DescribeStacks"):
        client = boto3.Session().client("cloudformation", region_name=region, config=_CONFIG)
        with closing(client):
            try:
                (described,) = client.describe_stacks(StackName=stack)["Stacks"]
            except ClientError as error:
                if error.response["Error"].get("Code") != "ValidationError":
                    raise
                raise _missing(stack, region, str(error.response["Error"].get("Message", ""))) from None
    # What is left of a first deployment that somebody has answered no to.
    if described["StackStatus"] == _NEVER_DEPLOYED:
        raise _missing(stack, region, "its first deployment was never carried out")
    return {str(output["OutputKey"]): str(output["OutputValue"]) for output in described.get("Outputs", [])}


def _missing(stack: str, region: str, why: str) -> MissingStackError:
    return MissingStackError(
        f'there is no stack "{stack}" in {region} ({why}); expected the name that cdk deploy has shown, and its Region '
        "in AWS_REGION"
    )


def _variables(function: str, stack: str, region: str) -> dict[str, str]:
    with aws_errors("GetFunctionConfiguration", "lambda:GetFunctionConfiguration"):
        client = boto3.Session().client("lambda", region_name=region, config=_CONFIG)
        with closing(client):
            try:
                found = client.get_function_configuration(FunctionName=function)
            except ClientError as error:
                if error.response["Error"].get("Code") != "ResourceNotFoundException":
                    raise
                raise InvalidValueError(
                    f'{function}, the function of the stack "{stack}", is not in {region}; expected it there: deploy '
                    "the stack again"
                ) from None
    environment = found.get("Environment", {})
    if refused := environment.get("Error"):
        raise InvalidValueError(
            f"the environment of {function} cannot be read ({refused.get('ErrorCode')}: {refused.get('Message')}); "
            "expected permission for its key"
        )
    return {str(name): str(value) for name, value in environment.get("Variables", {}).items()}
