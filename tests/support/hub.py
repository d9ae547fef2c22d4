"""What a deployment for many accounts finds at AWS beside Lightsail, over HTTP: STS, Organizations and a bucket."""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.organizations.models import organizations_backends
from moto.s3.models import s3_backends
from werkzeug.wrappers import Request, Response

from lightkeeper.organization import MemberRoles, role_arn
from lightsail_sandbox.server import make_sandbox_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_s3 import S3Client

HUB = "123456789012"
"""The deployment's own account: of the function's ARN in `functions.Context`, and of the sandbox's own key."""
BUCKET = "lightkeeper-results"
_REGION: Final = "eu-central-1"
_HOUR = "2026-06-15T13:00:00Z"


@dataclass
class _Services:
    """The WSGI application: STS is its own, as moto's lets everybody in; all else is moto's, and can be refused."""

    roles: dict[str, str] = field(default_factory=dict)
    """External ids, by the ARNs of the roles that want them."""
    refused: set[str] = field(default_factory=set)
    """Operations, or ids of units whose lists are."""
    sessions: dict[str, str] = field(default_factory=dict)
    """ARNs of roles, by the access keys of their sessions."""
    names: dict[str, str] = field(default_factory=dict)
    """Names of sessions, by their access keys."""
    broken: str | None = None
    """The code of the error that STS answers to everything."""

    def __post_init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._numbers = count(1)
        self._lock = Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        scope = request.headers.get("Authorization", "").partition(", SignedHeaders")[0].split("/")
        answer: Response | None = None
        match scope[-2] if len(scope) > 1 else "":
            case "sts":
                answer = self._sts(request)
            case "organizations":
                operation = request.headers["X-Amz-Target"].rpartition(".")[2]
                body = request.get_data()
                environ["wsgi.input"].seek(0)  # moto reads it again
                if self.refused & {operation, json.loads(body or b"{}").get("ParentId")}:
                    said = {"__type": "AccessDeniedException", "Message": "You don't have permissions to access this."}
                    answer = Response(json.dumps(said), HTTPStatus.BAD_REQUEST, mimetype="application/x-amz-json-1.1")
            case "s3" if request.method in self.refused:
                answer = Response("<Error><Code>AccessDenied</Code><Message>no</Message></Error>", HTTPStatus.FORBIDDEN)
        if answer is not None:
            return answer(environ, start_response)
        answered: Iterable[bytes] = self._moto(environ, start_response)
        return answered

    def _sts(self, request: Request) -> Response:
        asked = request.form
        if asked["Action"] == "GetAccessKeyInfo":
            role = self.sessions.get(asked["AccessKeyId"])
            return _xml("GetAccessKeyInfo", f"<Account>{role.split(':')[4]}</Account>") if role else _error("Unknown")
        if self.broken:
            return _error(self.broken)
        role = asked["RoleArn"]
        if self.roles.get(role) != asked["ExternalId"]:
            return _error("AccessDenied", f"User: hub is not authorized to perform: sts:AssumeRole on resource: {role}")
        with self._lock:
            key = f"ASIA{next(self._numbers):016}"
        self.sessions[key] = role
        self.names[key] = asked["RoleSessionName"]
        return _xml(
            "AssumeRole",
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret-of-{key}</SecretAccessKey>"
            f"<SessionToken>token-of-{key}</SessionToken><Expiration>{_HOUR}</Expiration></Credentials>",
        )


def _xml(action: str, result: str) -> Response:
    answer = f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"
    return Response(answer, mimetype="text/xml")


def _error(code: str, text: str = "no") -> Response:
    status = HTTPStatus.FORBIDDEN if code == "AccessDenied" else HTTPStatus.BAD_REQUEST
    error = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    return Response(f"<ErrorResponse>{error}</ErrorResponse>", status, mimetype="text/xml")


@dataclass
class Hub:
    """A deployment's account at AWS, and what the other accounts have for it."""

    url: str
    services: _Services
    organizations: "OrganizationsClient"
    s3: "S3Client"

    def environment(self) -> dict[str, str]:
        """Return what makes boto3 take it for AWS's."""
        return {f"AWS_ENDPOINT_URL_{service}": self.url for service in ("STS", "ORGANIZATIONS", "S3")}

    def onboard(self, *accounts: str, deployment: str = "Lightkeeper", external_id: str | None = None) -> None:
        """Give accounts the roles of a deployment."""
        roles = MemberRoles.of(f"{deployment}-member")
        for account in accounts:
            for name in (roles.member, roles.viewer, roles.operator):
                self.services.roles[role_arn("aws", account, name)] = external_id or deployment

    def account_of(self, access_key_id: str) -> str:
        """Return whose a session is; of any other key, that it is the hub's."""
        role = self.services.sessions.get(access_key_id)
        return role.split(":")[4] if role else HUB

    def open_organization(self) -> str:
        """Make the hub's account the management account of an organization; return its root."""
        self.organizations.create_organization(FeatureSet="ALL")
        return self.organizations.list_roots()["Roots"][0]["Id"]

    def unit(self, parent: str, name: str) -> str:
        """Add a unit to the organization, and return its id."""
        return self.organizations.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]

    def account(self, parent: str, name: str) -> str:
        """Add an account to the organization, and return its id."""
        made = self.organizations.create_account(AccountName=name, Email=f"{name}@example.com")
        account = made["CreateAccountStatus"]["AccountId"]
        (root,) = self.organizations.list_roots()["Roots"]
        if parent != root["Id"]:
            self.organizations.move_account(AccountId=account, SourceParentId=root["Id"], DestinationParentId=parent)
        return account

    def document(self, key: str) -> str | None:
        """Return what lies in the bucket; None: nothing."""
        keys = [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() if key in keys else None

    def empty(self) -> None:
        """Forget everything."""
        for told in (self.services.roles, self.services.refused, self.services.sessions, self.services.names):
            told.clear()
        self.services.broken = None
        for backends in (organizations_backends, s3_backends):
            for account in backends.values():
                for backend in account.values():
                    backend.reset()
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": _REGION})


@contextmanager
def local_hub() -> Iterator[Hub]:
    """Start it on a free loopback port; end it with the block."""
    app = _Services()
    server = make_sandbox_server(app, "127.0.0.1", 0, verbose=False)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    session = boto3.Session("admin", "admin", region_name=_REGION)
    try:
        with ExitStack() as stack:
            organizations = stack.enter_context(closing(session.client("organizations", endpoint_url=url)))
            s3 = stack.enter_context(closing(session.client("s3", endpoint_url=url)))
            yield Hub(url, app, organizations, s3)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
