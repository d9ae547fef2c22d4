"""A local Organizations, CloudFormation, IAM and STS over HTTP, in which an access key of 12 digits is an account's."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import boto3
from moto.cloudformation.models import cloudformation_backends
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.organizations.models import organizations_backends
from werkzeug.wrappers import Request, Response

from lightsail_sandbox.server import make_sandbox_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

REGION = "eu-central-1"
_ACCESS = "DescribeOrganizationsAccess"
_CREDENTIAL = re.compile(r"Credential=([0-9]{12})/")


@dataclass
class _Services:
    """The WSGI application: moto's, with what it does not know of StackSets; operations can be refused."""

    access: str = "ENABLED"
    """Whether StackSets have access to the organization, in CloudFormation's word for it."""
    delegates: set[str] = field(default_factory=set)
    """Accounts that act for the management account."""
    refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        form = parse_qs(request.get_data().decode())
        environ["wsgi.input"].seek(0)  # moto reads it again
        target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        (operation,) = form.get("Action", [target])
        account = _CREDENTIAL.search(request.headers["Authorization"])
        assert account, "an access key that is an account's"
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account[1]
        if operation in self.refused:
            return _refusal(operation, as_json=bool(target))(environ, start_response)
        if operation == _ACCESS:
            return self._access(account[1], form)(environ, start_response)
        answered: Iterable[bytes] = self._moto(environ, start_response)
        return answered

    def _access(self, account: str, form: dict[str, list[str]]) -> Response:
        if form["CallAs"] == ["DELEGATED_ADMIN"] and account not in self.delegates:
            return _error("ValidationError", "Account used is not a delegated administrator", 400)
        status = f"<{_ACCESS}Result><Status>{self.access}</Status></{_ACCESS}Result>"
        return Response(f"<{_ACCESS}Response>{status}</{_ACCESS}Response>", mimetype="text/xml")


def _refusal(operation: str, *, as_json: bool) -> Response:
    words = f"User: me is not authorized to perform: {operation}"
    if not as_json:
        return _error("AccessDenied", words, 403)
    said = json.dumps({"__type": "AccessDeniedException", "Message": words})
    return Response(said, 400, mimetype="application/x-amz-json-1.1")


def _error(code: str, message: str, status: int) -> Response:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(f"<ErrorResponse>{error}</ErrorResponse>", status, mimetype="text/xml")


@dataclass(frozen=True)
class Organizations:
    """Where they are."""

    url: str
    services: _Services

    def ask(self, account: str, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """Call a service in an account."""
        with closing(boto3.client(service, endpoint_url=self.url, region_name=REGION, **_keys(account))) as client:  # type: ignore[call-overload] # any service
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
        return answer

    def environment(self, account: str) -> dict[str, str]:
        """Return what makes boto3 take them for AWS's, with credentials of an account."""
        keys = {name.upper(): value for name, value in _keys(account).items()}
        return {**keys, "AWS_ENDPOINT_URL": self.url, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}

    def add_unit(self, management: str, name: str, within: str) -> str:
        """Add a unit within another, or within the root; return its id."""
        asked = {"ParentId": within, "Name": name}
        made = self.ask(management, "organizations", "create_organizational_unit", **asked)["OrganizationalUnit"]
        unit: str = made["Id"]
        return unit

    def add_account(self, management: str, name: str, unit: str) -> str:
        """Add an account to a unit; return its id."""
        asked = {"AccountName": name, "Email": f"{name}@example.com"}
        status = self.ask(management, "organizations", "create_account", **asked)["CreateAccountStatus"]
        account: str = status["AccountId"]
        moved = {"AccountId": account, "SourceParentId": self.root(management), "DestinationParentId": unit}
        self.ask(management, "organizations", "move_account", **moved)
        return account

    def root(self, management: str) -> str:
        """Return the id of the organization's root."""
        (root,) = self.ask(management, "organizations", "list_roots")["Roots"]
        found: str = root["Id"]
        return found


def _keys(account: str) -> dict[str, str]:
    return {"aws_access_key_id": account, "aws_secret_access_key": "none"}


@contextmanager
def local_organizations() -> Iterator[Organizations]:
    """Start them, empty, on a free loopback port; end them with the block."""
    services = _Services()
    server = make_sandbox_server(services, "127.0.0.1", 0, verbose=False)
    thread = Thread(target=server.serve_forever)
    thread.start()
    # What they know is this process's, and another story may have been told in it.
    for backends in (cloudformation_backends, iam_backends, organizations_backends):
        backends.clear()
    organizations_backends.master_accounts.clear()
    try:
        yield Organizations(f"http://127.0.0.1:{server.port}", services)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
