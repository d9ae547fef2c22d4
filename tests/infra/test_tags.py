"""Tags of the stack's own resources."""

import pytest
from aws_cdk import App

from infra.props import Props
from infra.stack import LightkeeperStack
from lightkeeper.settings import SettingsError
from tests.support.synth import resources, template

pytestmark = pytest.mark.xdist_group("stack")
TAGS = {"cost-centre": "backup", "Owner": "ops@example.com"}
# What AWS::SNS::Topic has is in the stack's own tags: see the stack.
TAGGED = [
    "AWS::CloudWatch::Alarm",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::SQS::Queue",
]


@pytest.mark.parametrize("kind", TAGGED)
def test_every_resource_that_can_have_them_has_the_tags(kind: str) -> None:
    of = template(tags=TAGS, encryptNotifications=True)

    found = resources(of, kind)

    assert found
    for resource in found:
        assert {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]} == TAGS


def test_the_topic_has_its_own_memory_in_tags_so_it_gets_them_from_the_stack() -> None:
    props = Props.from_document({"tags": TAGS})
    app = App(context={"aws:cdk:bundling-stacks": []})
    LightkeeperStack(app, props.stack_name, props=props)

    (stack,) = app.synth().stacks

    (topic,) = resources(template(tags=TAGS), "AWS::SNS::Topic")
    assert "Tags" not in topic["Properties"]
    assert dict(stack.tags) == TAGS


def test_no_function_hears_of_them_so_no_snapshot_gets_them() -> None:
    assert "cost-centre" not in str(
        [each["Properties"]["Environment"] for each in resources(template(tags=TAGS), "AWS::Lambda::Function")]
    )


@pytest.mark.parametrize(
    ("tags", "sentences"),
    [
        ("backup", ['tags: "backup" is not an object of tags; expected {"cost-centre": "backup"}']),
        ({"aws:cost": "1"}, ["tags.aws:cost: cannot be a tag key; "]),
        ({"Lightkeeper:told:1": "x"}, ["tags.Lightkeeper:told:1: cannot be a tag key; "]),
        ({"": "x"}, ["tags.: cannot be a tag key; "]),
        ({"k" * 129: "x"}, [f"tags.{'k' * 129}: cannot be a tag key; "]),
        ({"cost": 7}, ["tags.cost: 7 cannot be a tag value; expected text in double quotes"]),
        ({"cost": ""}, ['tags.cost: "" cannot be a tag value; ']),
        ({"cost": "v" * 257}, ["tags.cost: "]),
        ({"cost": "50 % off"}, ['tags.cost: "50 % off" cannot be a tag value; ']),
        ({"cost": "aws:1", "a?": "b"}, ["tags.cost: ", "tags.a?: "]),
        ({"Cost": "1", "cost": "2"}, ['tags.cost: differs from "Cost" only in case; expected one of them']),
        ({f"key-{number}": "x" for number in range(11)}, ["tags: 11 tags are too many; expected at most 10"]),
        ({"Backup": "daily"}, ['tags.Backup: it is the tag that users write (tagKey), "backup"; expected another key']),
        ({"backup:keep": "7"}, ["tags.backup:keep: it is the tag that users write (tagKey), "]),
    ],
)
def test_tags_that_aws_or_lightkeeper_would_not_take_are_answered_with_a_sentence_each(
    tags: object, sentences: list[str]
) -> None:
    with pytest.raises(SettingsError) as refused:
        Props.from_document({"tags": tags})

    assert [error[: len(words)] for error, words in zip(refused.value.errors, sentences, strict=True)] == sentences


def test_with_another_tag_key_backup_is_a_tag_like_any_other() -> None:
    assert Props.from_document({"tags": {"backup": "no"}, "tagKey": "save"}).own.tags == {"backup": "no"}
