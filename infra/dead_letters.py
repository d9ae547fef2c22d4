"""The dead-letter queue: where an event goes that could not be delivered, or whose every attempt failed."""

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class DeadLetterQueue(Construct):
    """The queue; an alarm goes off at the first message in it."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        Validations.of(self.queue).acknowledge(
            Acknowledgment(
                id="AwsSolutions-SQS3",
                reason="This is the dead-letter queue, of the schedule and of the function's asynchronous invocations. "
                "The rule sees neither use. Nothing consumes it; an alarm goes off at the first message.",
            )
        )
