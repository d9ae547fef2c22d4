"""What is spoken of: a problem is born with all that tells its source from a namesake."""

from datetime import UTC, datetime

from lightkeeper.kinds import SnapshotKind, SourceKind
from lightkeeper.model import Problem, RecoveryPoint, Severity, SnapshotState, Source, problem_of

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ARN = "arn:aws:lightsail:eu-central-1:1:Disk/shop"
SHOP = Source(SourceKind.DISK, "shop", ARN, "eu-central-1", NOW, {"backup": "dialy"})
POINT = RecoveryPoint(
    kind=SnapshotKind.DISK,
    name="shop-20260615-0300-abcdef",
    region="eu-central-1",
    state=SnapshotState.USABLE,
    taken=NOW,
    size_gib=8,
    source_name="shop",
    source_arn=ARN,
    slot=NOW,
    attempt=1,
    expires_at=None,
    tags={},
)


def test_a_problem_of_a_source_says_which_that_is_and_where() -> None:
    problem = problem_of(SHOP, "is no policy", Severity.ERROR, tag="backup", value="dialy", suggestion="daily")

    assert problem == Problem(
        region="eu-central-1",
        source="shop",
        arn=ARN,
        tag="backup",
        value="dialy",
        message="is no policy",
        suggestion="daily",
        severity=Severity.ERROR,
    )


def test_a_problem_of_a_recovery_point_is_one_of_what_it_was_taken_of() -> None:
    of_point, of_source = (problem_of(each, "is full", Severity.ADVICE) for each in (POINT, SHOP))

    assert of_point == of_source
    assert (of_point.tag, of_point.value, of_point.suggestion) == (None, None, None)
