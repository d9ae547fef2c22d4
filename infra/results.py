"""The bucket for what runs say of each account, and of all of them: a cache, written anew by each run."""

from typing import Final

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct

# Each run writes all of it anew: what is older is of accounts that are no longer looked after.
_EXPIRES_AFTER: Final = Duration.days(30)


class Results(Construct):
    """The bucket: encrypted, for TLS only, and nobody's but this account's."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=False,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=_EXPIRES_AFTER, abort_incomplete_multipart_upload_after=Duration.days(1), enabled=True
                )
            ],
            # CloudFormation deletes no bucket with something in it, and a function that empties it would need more
            # rights than all others together. So the stack leaves it behind, where it empties itself; `make destroy`
            # deletes it when nothing writes to it any more.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        Validations.of(self.bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions-S1",
                reason="What is in it is a cache of what Lightsail says, written anew by each run and read by the "
                "functions of this stack. A log of who reads it would be kept longer than what was read.",
            )
        )
