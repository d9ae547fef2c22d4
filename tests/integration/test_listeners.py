"""Who hears, and a test message: a stack in a local CloudFormation, its function in this process, a local SNS."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import listeners
from lightkeeper import handler
from lightkeeper.notify import TOPIC_VARIABLE, TopicError
from lightkeeper.settings import Settings
from tests.support.cloud import Cloud, local_cloud
from tests.support.command import lightkeeper
from tests.support.functions import Context, Run, invoke
from tests.support.keeper import HOUR, REGION, Keeper
from tests.support.listening import Listener

HEAD = "Lightkeeper 123456789012 eu-central-1"


@pytest.fixture(scope="module")
def _cloud() -> Iterator[Cloud]:
    with local_cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(_cloud: Cloud, person: Listener, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A cloud whose function is the real one, in this process."""
    del person  # whoever listens sets up the surroundings again
    for name, value in _cloud.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.chdir(Path("/"))

    def answer(event: dict[str, object]) -> object:
        return handler.handle(event, Context())

    _cloud.server.answer = answer
    yield _cloud
    _cloud.clear()


def deploy(cloud: Cloud, person: Listener, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {**settings.to_env(), TOPIC_VARIABLE: person.topic}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    cloud.deploy("Lightkeeper", REGION, variables, {"FunctionName": {"Ref": "Function"}, "TopicArn": person.topic})


def subscribe(person: Listener, endpoint: str) -> None:
    person.sns.subscribe(TopicArn=person.topic, Protocol="email", Endpoint=endpoint)


def test_a_test_message_goes_the_way_of_all_others_and_says_who_hears(
    cloud: Cloud, person: Listener, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    pager = person.sns.create_topic(Name="pager")["TopicArn"]
    keeper.configure(notify=["ops@example.com", "https://events.example.com/v2/secret", pager])
    subscribe(person, "ops@example.com")
    deploy(cloud, person, keeper.settings, monkeypatch)

    ended = lightkeeper("test-notification", "--stack", "Lightkeeper")

    ((subject, text),) = person.letters()
    assert subject == f"{HEAD}: this is a test"
    assert re.fullmatch(
        "Lightkeeper, account 123456789012, eu-central-1: this is a test\\.\n"
        r"Sent at \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\n"
        "\n"
        "Messages of this deployment reach you here\\. There is nothing to do\\.\n"
        "\n"
        "What a run would do:\n"
        "AWS_REGION=eu-central-1 lightkeeper plan --stack Lightkeeper\n"
        "Dashboard:\n"
        "https://console/dashboard\n",
        text,
    )
    assert ended.status == 0, ended.err
    assert f"sent to {person.topic}\nsent to {pager}\n" in ended.out
    assert re.search(r"^  ops@example\.com +email +hears$", ended.out, re.MULTILINE)
    assert re.search(rf"^  {pager} +topic +gets everything", ended.out, re.MULTILINE)
    assert re.search(r"^  https://events\.example\.com/\.\.\. +https +IS NOT SUBSCRIBED", ended.out, re.MULTILINE)
    assert "secret" not in ended.out
    assert not keeper.sandbox.calls(), "no run was made"


def test_where_nobody_hears_a_test_message_says_so_and_fails(
    cloud: Cloud, person: Listener, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in person.sns.list_subscriptions_by_topic(TopicArn=person.topic)["Subscriptions"]:
        person.sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    deploy(cloud, person, keeper.settings, monkeypatch)

    ended = lightkeeper("test-notification", "--stack", "Lightkeeper")

    assert ended.status == 1
    assert "NOBODY HEARS of any alarm" in ended.out


def test_what_could_not_be_sent_is_named_and_the_rest_was_sent(
    cloud: Cloud, person: Listener, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = f"{person.topic}-gone"
    keeper.configure(notify=[gone])
    deploy(cloud, person, keeper.settings, monkeypatch)

    ended = lightkeeper("test-notification", "--stack", "Lightkeeper")

    assert ended.status == 1
    assert f"sent to {person.topic}\n" in ended.out
    assert f"lightkeeper: not sent: {gone}: Publish: " in ended.err
    assert len(person.letters()) == 1


def test_a_function_that_knows_no_test_message_is_answered_with_what_to_do(
    cloud: Cloud, person: Listener, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(cloud, person, keeper.settings, monkeypatch)
    cloud.server.answer = lambda _: {"now": "2026-06-15T12:00:00Z"}

    ended = lightkeeper("test-notification", "--stack", "Lightkeeper")

    assert ended.status == 2
    assert "has sent nothing" in ended.err
    assert "deploy it again" in ended.err


@pytest.mark.parametrize(
    ("operation", "permission"),
    [("Invoke", "lambda:InvokeFunction"), ("DescribeStacks", "cloudformation:DescribeStacks")],
)
def test_a_permission_that_is_missing_is_named(
    cloud: Cloud, person: Listener, monkeypatch: pytest.MonkeyPatch, operation: str, permission: str
) -> None:
    deploy(cloud, person, Settings(), monkeypatch)
    cloud.server.refused.add(operation)

    ended = lightkeeper("test-notification", "--stack", "Lightkeeper")

    assert ended.status == 1
    assert f"expected permission for {permission}" in ended.err


def test_after_a_deployment_it_is_said_who_hears_and_who_was_lost(
    cloud: Cloud,
    person: Listener,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    subscribe(person, "ops@example.com")
    deploy(cloud, person, Settings(), monkeypatch)
    config = tmp_path / "shop.json"
    config.write_text(json.dumps({"lightkeeper": {"notify": ["ops@example.com", "night@example.com"]}}))

    listeners.main("--config", str(config))

    said = capsys.readouterr().out
    assert "Who hears of Lightkeeper (account 123456789012, eu-central-1):" in said
    assert re.search(r"^  ops@example\.com +email +hears$", said, re.MULTILINE)
    assert re.search(r"^  night@example\.com +email +IS NOT SUBSCRIBED, so it gets nothing$", said, re.MULTILINE)
    assert "night@example.com: unsubscribed since the deployment" in said


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("{", "who hears is not known: {config}: not JSON (Expecting property name"),
        ('{"lightkeeper": {"grace": 1}}', "who hears is not known: {config}: grace: 1 is not text"),
        ("{}", 'who hears is not known: there is no stack "Elsewhere" in eu-central-1'),
    ],
)
@pytest.mark.usefixtures("cloud")
def test_that_it_is_not_known_who_hears_is_a_sentence_and_no_failed_deployment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: str, says: str
) -> None:
    config = tmp_path / "shop.json"
    config.write_text(settings)

    listeners.main("--config", str(config), "--stack", "Elsewhere")

    assert says.replace("{config}", str(config)) in capsys.readouterr().out


def test_what_is_found_goes_to_the_topics_of_notify_too_and_what_one_has_missed_is_sent_later(
    keeper: Keeper, person: Listener, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pager = person.sns.create_topic(Name="pager")["TopicArn"]
    queue = person.sqs.create_queue(QueueName="pager")["QueueUrl"]
    arn = person.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    person.sns.subscribe(TopicArn=pager, Protocol="sqs", Endpoint=arn)
    keeper.configure(notify=[pager])
    keeper.disk("typo", {"backup": "dialy"})
    run()
    assert [subject for subject, _ in person.letters()] == [f"{HEAD}: typo: a problem"]

    def heard() -> list[str]:
        found = person.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for each in found:
            person.sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"])["Subject"] for each in found]

    assert heard() == [f"{HEAD}: typo: a problem"]

    theirs = handler.topic(pager)
    with monkeypatch.context() as patch:

        def refuse(_: object) -> None:
            raise TopicError("Publish: AuthorizationError: not you", is_refused=True)

        patch.setattr(theirs, "publish", refuse)
        keeper.disk("another-typo", {"backup": "weekley"})
        for _ in range(3):
            keeper.sandbox.advance(HOUR)
            with pytest.raises(handler.RunFailedError, match=f"notification: {pager}: Publish: AuthorizationError"):
                invoke({"time": keeper.sandbox.now().isoformat()})
    assert len(person.letters()) == 1, "the deployment's own listeners are told once"
    assert heard() == []

    run()
    run()
    assert heard() == [f"{HEAD}: 2 new"], "all that is open, once"
    assert person.letters() == []
    theirs.close()
