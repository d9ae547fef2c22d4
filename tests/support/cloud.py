"""A local CloudFormation, Lambda, STS and S3 over HTTP, and Lightkeeper as a stack in them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import boto3
from moto.iam.models import get_account_id_from
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from lightkeeper.errors import InvalidValueError
from lightsail_sandbox.server import make_sandbox_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]
        }
    },
}


_IN_XML = ("DescribeStacks", "AssumeRole", "GetCallerIdentity")
"""What is refused as the older services do it."""


@dataclass
class _Clouds:
    """The WSGI application: moto's, in which operations can be refused; it remembers who asked for what."""

    refused: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    answer: Callable[[dict[str, object]], object] | None = None
    """What a function answers to an event; without it, there is nothing to run one."""
    trusts: dict[str, str] = field(default_factory=dict)
    """The external ids that roles ask for, by their ARNs; no other role can be assumed."""
    sessions: list[str] = field(default_factory=list)
    """The sessions of roles that were asked for: the roles' ARNs, and the names of the sessions."""

    def __post_init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        parameters = parse_qs(request.get_data().decode())
        environ["wsgi.input"].seek(0)  # moto reads it again
        action = _action(request, parameters)
        self.asked.append(action)
        if action in self.refused or (action == "AssumeRole" and not self._lets_in(parameters)):
            words = f"User: arn:aws:iam::123456789012:user/me is not authorized to perform {action}"
            if action in _IN_XML:
                error = f"<Error><Code>AccessDenied</Code><Message>{words}</Message></Error>"
                answer = Response(f"<ErrorResponse>{error}</ErrorResponse>", status=403, mimetype="text/xml")
            else:
                answer = Response(
                    json.dumps({"Message": words}),
                    status=403,
                    mimetype="application/json",
                    headers={"x-amzn-ErrorType": "AccessDeniedException"},
                )
            return answer(environ, start_response)
        if action == "GetAccessKeyInfo":
            # moto itself knows those of users only.
            account = get_account_id_from(parameters["AccessKeyId"][0])
            return Response(f"<Account>{account}</Account>", mimetype="text/xml")(environ, start_response)
        if action == "Invoke" and self.answer:
            return _invoked(self.answer, request)(environ, start_response)
        answered: Iterable[bytes] = self._moto(environ, start_response)
        return answered

    def _lets_in(self, parameters: Mapping[str, list[str]]) -> bool:
        (role,), (external_id,) = parameters["RoleArn"], parameters.get("ExternalId", [""])
        self.sessions.append(f"{role}/{parameters['RoleSessionName'][0]}")
        return self.trusts.get(role) == external_id


def _action(request: Request, parameters: Mapping[str, list[str]]) -> str:
    """Return the operation that is asked for; of S3, the method and the path."""
    if request.path.startswith("/2015-03-31/functions"):
        return "Invoke" if request.path.endswith("/invocations") else "GetFunctionConfiguration"
    (action,) = parameters.get("Action", [f"{request.method} {request.path}"])
    return action


def _invoked(answer: Callable[[dict[str, object]], object], request: Request) -> Response:
    try:
        return Response(json.dumps(answer(json.loads(request.get_data()))), mimetype="application/json")
    except InvalidValueError as error:
        said = json.dumps({"errorMessage": str(error), "errorType": "InvalidValueError"})
        return Response(said, mimetype="application/json", headers={"X-Amz-Function-Error": "Unhandled"})


def _function(variables: Mapping[str, str]) -> dict[str, object]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Handler": "lightkeeper.handler.handle",
            "Runtime": "python3.14",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "handle = print"},
            "Environment": {"Variables": dict(variables)},
        },
    }


@dataclass
class Cloud:
    """CloudFormation and Lambda in this process's reach."""

    url: str
    server: _Clouds
    stacks: list[tuple[str, str]] = field(default_factory=list)
    buckets: dict[str, str] = field(default_factory=dict)
    """Their Regions, by their names."""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return what makes boto3 take them for AWS's."""
        services = ("CLOUDFORMATION", "LAMBDA", "S3", "STS")
        return {f"AWS_ENDPOINT_URL_{service}": self.url for service in services}

    def deploy(
        self,
        name: str,
        region: str,
        variables: Mapping[str, str],
        outputs: Mapping[str, object] | None = None,
        *,
        lists: Mapping[str, str] | None = None,
    ) -> None:
        """Create a stack with a function that has these variables, as `cdk deploy` does.

        `lists` are the variables of a second one, which lists the accounts of an organization.
        """
        functions = {"Function": _function(variables)} | ({"Accounts": _function(lists)} if lists is not None else {})
        values: Mapping[str, object] = {"FunctionName": {"Ref": "Function"}} if outputs is None else outputs
        if lists is not None:
            values = {**values, "AccountsFunctionName": {"Ref": "Accounts"}}
        template = {
            "Resources": {"Role": _ROLE, **functions},
            "Outputs": {output: {"Value": value} for output, value in values.items()},
        }
        self._formation(region).create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
        self.stacks.append((name, region))

    def propose(self, name: str, region: str) -> None:
        """Leave a stack as `cdk deploy` does where somebody answers no to the first deployment."""
        template = json.dumps({"Resources": {"Role": _ROLE}})
        self._formation(region).create_change_set(
            StackName=name,
            ChangeSetName="first",
            ChangeSetType="CREATE",
            TemplateBody=template,
            Capabilities=["CAPABILITY_IAM"],
        )
        self.stacks.append((name, region))

    def put(self, bucket: str, key: str, text: str, region: str) -> None:
        """Write an object into a bucket, which is made if it is not there."""
        store = self._client("s3", region)
        if bucket not in self.buckets:
            store.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
            self.buckets[bucket] = region
        store.put_object(Bucket=bucket, Key=key, Body=text.encode())

    def clear(self) -> None:
        """Delete all stacks and buckets, refuse nothing any more, and forget what was asked."""
        self.server.refused.clear()
        self.server.trusts.clear()
        self.server.sessions.clear()
        self.server.answer = None
        while self.stacks:
            name, region = self.stacks.pop()
            self._formation(region).delete_stack(StackName=name)
        self.empty_buckets()
        while self.buckets:
            bucket, region = self.buckets.popitem()
            self._client("s3", region).delete_bucket(Bucket=bucket)
        self.server.asked.clear()

    def empty_buckets(self) -> None:
        """Delete all that is in buckets."""
        for bucket, region in self.buckets.items():
            store = self._client("s3", region)
            for entry in store.list_objects_v2(Bucket=bucket).get("Contents", []):
                store.delete_object(Bucket=bucket, Key=entry["Key"])

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()

    def _formation(self, region: str) -> Any:  # noqa: ANN401 - as below
        return self._client("cloudformation", region)

    def _client(self, service: str, region: str) -> Any:  # noqa: ANN401 - of a service that has no types here
        if (service, region) not in self._clients:
            session: Any = boto3.Session("deployer", "deployer", region_name=region)
            self._clients[service, region] = session.client(service, endpoint_url=self.url)
        return self._clients[service, region]


@contextmanager
def local_cloud() -> Iterator[Cloud]:
    """Start them on a free loopback port; end them with the block."""
    app = _Clouds()
    server = make_sandbox_server(app, "127.0.0.1", 0, verbose=False)
    thread = Thread(target=server.serve_forever)
    thread.start()
    cloud = Cloud(f"http://127.0.0.1:{server.port}", app)
    try:
        yield cloud
    finally:
        cloud.close()
        server.shutdown()
        thread.join()
        server.server_close()
