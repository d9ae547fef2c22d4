"""A local SNS over HTTP with a topic, and somebody who listens to it; S3 answers at the same address."""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from lightsail_sandbox.server import make_sandbox_server
from tests.support.keeper import REGION

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass
class LocalSns:
    """The WSGI application: moto's, in which actions can be refused, of S3 methods; it remembers what was asked for."""

    refused: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        body = request.get_data()
        environ["wsgi.input"] = BytesIO(body)  # moto reads it again
        (action,) = parse_qs(body.decode()).get("Action", [request.method])
        self.asked.append(action)
        if action in self.refused:
            error = f"<Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>no {action}</Message></Error>"
            answer = Response(f"<ErrorResponse>{error}</ErrorResponse>", status=403, mimetype="text/xml")
            return answer(environ, start_response)
        answered: Iterable[bytes] = self._moto(environ, start_response)
        return answered


@dataclass
class Listener:
    """A person who reads what the topic sends."""

    url: str
    sns: "SNSClient"
    sqs: "SQSClient"
    server: LocalSns
    topic: str = ""
    queue: str = ""

    def start(self) -> None:
        """Make a new topic, and listen to it."""
        self.forget()
        self.topic = self.sns.create_topic(Name="Lightkeeper")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="letters")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        self.server.asked.clear()

    def forget(self) -> None:
        """Delete the topic, and what was sent."""
        self.server.refused.clear()
        if self.topic:
            self.sns.delete_topic(TopicArn=self.topic)
            self.sqs.delete_queue(QueueUrl=self.queue)
        self.topic = ""

    def letters(self) -> list[tuple[str, str]]:
        """Return subject and text of each message that has arrived since this was asked last."""
        found: list[tuple[str, str]] = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                letter: dict[str, Any] = json.loads(message["Body"])
                found.append((letter["Subject"], letter["Message"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def tags(self) -> dict[str, str]:
        """Return the topic's tags, but for those that say which Regions a run saw and when one last notified."""
        return {
            tag["Key"]: tag["Value"]
            for tag in self.sns.list_tags_for_resource(ResourceArn=self.topic).get("Tags", [])
            if not tag["Key"].startswith(("lightkeeper:regions:", "lightkeeper:telling"))
        }


@contextmanager
def listening() -> Iterator[Listener]:
    """Start a local SNS on a free loopback port; end it with the block."""
    app = LocalSns()
    server = make_sandbox_server(app, "127.0.0.1", 0, verbose=False)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    session = boto3.Session("listener", "listener", region_name=REGION)
    try:
        with (
            closing(session.client("sns", endpoint_url=url)) as sns,
            closing(session.client("sqs", endpoint_url=url)) as sqs,
        ):
            yield Listener(url, sns, sqs, app)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
