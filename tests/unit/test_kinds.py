"""The kinds: what is known of a source that is gone."""

import pytest

from lightkeeper.kinds import SOURCES, SnapshotKind, SourceKind, source_kind_of


@pytest.mark.parametrize("kind", SourceKind)
@pytest.mark.parametrize("taken", SnapshotKind)
def test_what_a_source_was_is_in_its_arn_whatever_was_taken_of_it(kind: SourceKind, taken: SnapshotKind) -> None:
    assert source_kind_of(f"arn:aws:lightsail:eu-central-1:1:{SOURCES[kind].arn_type}/uuid", taken) is kind


@pytest.mark.parametrize(
    ("taken", "kind"),
    [
        (SnapshotKind.DISK, SourceKind.DISK),
        (SnapshotKind.INSTANCE, SourceKind.INSTANCE),
        (SnapshotKind.DATABASE, SourceKind.DATABASE),
    ],
)
@pytest.mark.parametrize("arn", ["", "arn:aws:lightsail:eu-central-1:1:Bucket/uuid", "Disk"])
def test_where_its_arn_does_not_say_it_was_what_such_a_snapshot_is_taken_of(
    arn: str, taken: SnapshotKind, kind: SourceKind
) -> None:
    assert source_kind_of(arn, taken) is kind
