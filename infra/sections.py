"""What each alarm says, and whether it waits until morning, as each kind of message: docs/runbook.md has both. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from lightkeeper.finding import FindingKind
from lightkeeper.sender import section_of

_STATUS: Final = "lightkeeper status --stack $STACK"
_PLAN: Final = "lightkeeper plan --stack $STACK"
_LAST_RUNS: Final = (
    "aws logs filter-log-events --log-group-name $LOGS --start-time $SINCE --query 'events[].message' --output text"
)


@dataclass(frozen=True, slots=True)
class Urgency:
    """Why an alarm or a kind of message waits until morning, or does not."""

    why: str
    """Why it does, or does not."""
    command: str
    """What to look at first, with the variables of the runbook's "Before the alarms"."""


@dataclass(frozen=True, slots=True)
class Section:
    """An alarm's section of the runbook: its heading, what to do first, and whether that can wait."""

    heading: str
    first: str
    waits: bool
    """Whether it waits until morning; of each kind of message, `findings.WAITS` says so."""
    urgency: Urgency
    rings: bool = True
    """Whether it notifies people; otherwise the dashboard shows it, and a run's message has notified them."""

    def description(self, runbook: str | None = None) -> str:
        """Return the alarm's description."""
        return f"{self.first} See {section_of(runbook, self.heading)}"


NO_RUN: Final = Section(
    "No run",
    "None of the last three runs that were due has read everything to its end, so perhaps no backups are taken. Check "
    "whether the schedule is enabled, and what the function's log says of the last runs.",
    waits=False,
    urgency=Urgency(why="no backups are taken, and nobody would be told of anything else", command=_LAST_RUNS),
)
FUNCTION_ERRORS: Final = Section(
    "Function errors",
    "Runs fail altogether, or can tell nobody what they find. The last lines of the function's log say why.",
    waits=False,
    urgency=Urgency(
        why="nothing is backed up, or nobody is told what is not, until it works again", command=_LAST_RUNS
    ),
)
OVERDUE: Final = Section(
    "Resources overdue",
    "A resource has no usable snapshot for a slot that has passed. Run `lightkeeper status` to see which and why.",
    waits=False,
    urgency=Urgency(
        why="what was changed since its last recovery point would be lost; take one now, then sleep",
        command=_STATUS,
    ),
)
SNAPSHOTS_FAILED: Final = Section(
    "Snapshots failed",
    "A snapshot could not be taken, or ended in error. The function's log says of each why.",
    waits=True,
    urgency=Urgency(why='the next runs try again; "Resources overdue" rings if they do not succeed', command=_STATUS),
    rings=False,
)
TAG_PROBLEMS: Final = Section(
    "Tag problems",
    "For a day now, Lightkeeper has not understood a tag, so it does not back up that resource, or deletes nothing of "
    "it. Run `lightkeeper plan`: it says what to write.",
    waits=True,
    urgency=Urgency(why="it has waited for a day; the recovery points that there are stay", command=_PLAN),
)
DEAD_LETTERS: Final = Section(
    "Dead letters",
    "The schedule's events do not reach the function, so no backups are taken. Read the messages in the queue.",
    waits=False,
    urgency=Urgency(
        why="no backups are taken until they do",
        command="aws sqs receive-message --queue-url $QUEUE --query 'Messages[].Body' --output text",
    ),
)
SECTIONS: Final = (NO_RUN, FUNCTION_ERRORS, OVERDUE, SNAPSHOTS_FAILED, TAG_PROBLEMS, DEAD_LETTERS)

# Where a deployment looks after many accounts, the same alarms lead to other logs.
FLEET_NO_RUN: Final = replace(
    NO_RUN,
    first="None of the last three runs that were due has come to a report, so perhaps no backups are taken. Check "
    "whether the schedule is enabled, and how the state machine's last executions ended.",
)
FLEET_FUNCTION_ERRORS: Final = replace(
    FUNCTION_ERRORS,
    first="The accounts cannot be listed, or no report can be made of them. The last lines of the logs of these two "
    "functions say why.",
)
FLEET_DEAD_LETTERS: Final = replace(
    DEAD_LETTERS,
    first="The schedule's events do not start the state machine, so no backups are taken. Read the messages in the "
    "queue.",
)
FLEET_RUNS_FAILED: Final = Section(
    "Fleet runs failed",
    "Executions of the state machine fail, and nobody is told how the accounts stand; yet no function has failed. The "
    "last execution says in which state, and why.",
    waits=False,
    urgency=Urgency(
        why="perhaps no account is backed up, and nobody is told how they stand",
        command="aws stepfunctions list-executions --state-machine-arn $MACHINE --max-items 5",
    ),
)
ACCOUNTS_UNKNOWN: Final = Section(
    "Accounts unknown",
    "For a day now, each run has met an account of which nobody can tell how it stands. Run `lightkeeper status "
    "--stack` with this deployment's name: it says which, and why.",
    waits=True,
    urgency=Urgency(
        why="it was told at once, and has waited for a day; nothing of such an account is deleted", command=_STATUS
    ),
)
ADDED_SECTIONS: Final = (FLEET_RUNS_FAILED, ACCOUNTS_UNKNOWN)
"""What only such a deployment has."""
FLEET_SECTIONS: Final = (
    FLEET_NO_RUN,
    FLEET_FUNCTION_ERRORS,
    FLEET_RUNS_FAILED,
    OVERDUE,
    SNAPSHOTS_FAILED,
    TAG_PROBLEMS,
    ACCOUNTS_UNKNOWN,
    FLEET_DEAD_LETTERS,
)
"""Of a deployment that looks after many accounts."""

FINDINGS: Final[Mapping[FindingKind, Urgency]] = {
    FindingKind.OVERDUE: OVERDUE.urgency,
    FindingKind.FAILED: Urgency(
        why='the next runs try again; if a snapshot is missing in the end, "Resources overdue" rings, or a message '
        "says so",
        command=_PLAN,
    ),
    FindingKind.ERROR: Urgency(
        why='the next runs try again; "Resources overdue" rings, or a message says so, if they do not succeed',
        command=_STATUS,
    ),
    FindingKind.UNREAD: Urgency(
        why='nothing of it is taken or deleted meanwhile; "No run" rings if three runs cannot read it',
        command=_PLAN,
    ),
    FindingKind.PROBLEM: Urgency(
        why="the recovery points that there are stay; but a list that lacks resources may mean that they were deleted: "
        "look now",
        command=_PLAN,
    ),
    FindingKind.EXPIRING: Urgency(
        why="the message says from when on they are deleted: by morning, where `grace` is a day or less; a hold takes "
        "a minute",
        command=_PLAN,
    ),
    FindingKind.STOPPED: Urgency(
        why="its recovery points stay, or go one by one after a grace; if it was deleted by mistake, see "
        '"The server is gone"',
        command=_STATUS,
    ),
    FindingKind.COPY: Urgency(
        why="the recovery points at home are there; what is missing is the second place, until a run has made the copy",
        command=_PLAN,
    ),
    FindingKind.REGION: Urgency(
        why="nothing is deleted there; new recovery points are missing until it is back", command=_STATUS
    ),
    FindingKind.UNSEEN: Urgency(
        why="the next run tries again, and nothing of it is deleted meanwhile; if it lasts a day, an alarm rings",
        command=_STATUS,
    ),
    FindingKind.UNLISTED: Urgency(
        why="nothing is backed up in the accounts that are not listed; nothing is deleted there, either",
        command=_STATUS,
    ),
    FindingKind.REFUSED: Urgency(
        why="its recovery points stay; new ones are missing until it lets Lightkeeper in again", command=_STATUS
    ),
    FindingKind.ACCOUNT: Urgency(
        why="nothing is deleted there; new recovery points are missing until it is back", command=_STATUS
    ),
}
"""Of each kind of message."""
