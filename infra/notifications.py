"""Who hears of alarms and of what a run finds: an SNS topic with its subscriptions, and other people's topics."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Aws, CfnRule, CfnRuleAssertion, Fn, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.props import Props

NOBODY_HEARS: Final = "lightkeeper-nobody-hears"
NOBODY: Final = "Nobody hears of any alarm, nor of what a run finds: `notify` in the settings names no address."


_REGION: Final = 3
"""Of the parts of an ARN."""


class Notifications(Construct):
    """The topic. CloudWatch may publish to it, over TLS, for alarms of this account; the function may by its role."""

    def __init__(self, scope: Construct, construct_id: str, *, props: Props) -> None:
        super().__init__(scope, construct_id)
        alarms = iam.ServicePrincipal(
            "cloudwatch.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        )
        self.key = _key(self) if props.own.encrypt_notifications else None
        self.topic = sns.Topic(
            self,
            "Topic",
            display_name=props.settings.deployment,
            enforce_ssl=True,
            master_key=self.key,
        )
        # Neither the topic's own policy nor the key's lets CloudWatch in by itself: alarms would vanish without a word.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(actions=["sns:Publish"], principals=[alarms], resources=[self.topic.topic_arn])
        )
        for address in props.settings.notify_addresses:
            self.topic.add_subscription(subscriptions.EmailSubscription(address))
        for endpoint in props.settings.notify_endpoints:
            self.topic.add_subscription(subscriptions.UrlSubscription(endpoint))
        # A topic cannot subscribe to another: alarms and the function publish to each.
        self.others = tuple(
            sns.Topic.from_topic_arn(self, f"Other{number}", arn)
            for number, arn in enumerate(props.settings.notify_topics, 1)
        )
        if self.others:
            _in_the_stack_s_region(self, props.settings.notify_topics)
        if not props.settings.notify:
            Validations.of(self.topic).add_warning(NOBODY_HEARS, f'{NOBODY} Write "notify": ["ops@example.com"].')


def _in_the_stack_s_region(scope: Construct, arns: Sequence[str]) -> None:
    """Let CloudFormation refuse, before it changes anything, what CloudWatch refuses halfway through."""
    CfnRule(
        scope,
        "TopicsAreInThisRegion",
        assertions=[
            CfnRuleAssertion(
                assert_=Fn.condition_equals(Aws.REGION, arn.split(":")[_REGION]),
                assert_description=f"notify: {arn} is in another Region, where CloudWatch sends no alarms to; expected "
                "a topic in the Region of the stack",
            )
            for arn in arns
        ],
    )


def _key(scope: Construct) -> kms.Key:
    key = kms.Key(
        scope,
        "Key",
        description="Encrypts Lightkeeper's notifications",
        enable_key_rotation=True,
        # It protects only messages on their way; nothing has to be read with it later.
        removal_policy=RemovalPolicy.DESTROY,
    )
    key.grant(iam.ServicePrincipal("cloudwatch.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey*")
    return key
