"""The actions: their turn in a run, and which of them prune."""

from lightkeeper.actions import (
    ACTIONS,
    CancelDeletion,
    Copy,
    Create,
    Defer,
    Delete,
    Phase,
    RemoveHold,
    ScheduleDeletion,
)


def test_snapshots_are_taken_first_and_deleted_last() -> None:
    assert [*Phase] == sorted(Phase) == [Phase.CREATE, Phase.COPY, Phase.MARK, Phase.DELETE]
    assert {action: action.phase for action in ACTIONS} == {
        Create: Phase.CREATE,
        Copy: Phase.COPY,
        ScheduleDeletion: Phase.MARK,
        CancelDeletion: Phase.MARK,
        RemoveHold: Phase.MARK,
        Defer: Phase.MARK,
        Delete: Phase.DELETE,
    }


def test_whatever_brings_a_snapshot_nearer_to_its_end_prunes() -> None:
    assert [action for action in ACTIONS if not action.prunes] == [Create, Copy, CancelDeletion]


def test_each_action_has_words_of_its_own() -> None:
    for words in ([action.verb for action in ACTIONS], [action.doing for action in ACTIONS]):
        assert len({*words}) == len(ACTIONS)
