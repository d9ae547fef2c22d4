"""Where a message comes from, so that whoever reads it on a phone knows what it is about and where to look. Pure."""

from dataclasses import dataclass
from typing import Final

from lightkeeper.commands import keeper_command

_ARN_PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class Sender:
    """A deployment of Lightkeeper, as a person finds it."""

    deployment: str
    """The stack's name."""
    account: str
    """12 digits."""
    region: str
    """Where the stack is."""
    runbook: str | None = None
    """The address of docs/runbook.md, if there is one."""
    dashboard: str | None = None
    """The dashboard's address, if there is one."""
    member: str | None = None
    """The account that a message is about, 12 digits, where that is another one than the deployment's."""

    @classmethod
    def of(cls, function: str, deployment: str, *, runbook: str | None, dashboard: str | None) -> "Sender":
        """Return where a function's messages come from.

        Parameters
        ----------
        function
            Its ARN, which has the account and the Region in it.
        deployment
            The stack's name.
        runbook, dashboard
            Their addresses; None or empty where there are none.
        """
        *_, region, account = [*function.split(":"), *[""] * _ARN_PARTS][:_ARN_PARTS]
        return cls(deployment, account, region, runbook or None, dashboard or None)

    def command(self, *words: str) -> str:
        """Return a command of `lightkeeper` about this deployment, as it can be pasted without a checkout."""
        member = ["--account", self.member] if self.member else []
        return f"AWS_REGION={self.region} {keeper_command(*words, '--stack', self.deployment, *member)}"

    def section(self, heading: str) -> str:
        """Return where a section of this deployment's runbook is."""
        return section_of(self.runbook, heading)


def section_of(runbook: str | None, heading: str) -> str:
    """Return where a section of the runbook is: a link, or without an address the file's name and the heading."""
    return f"{runbook}#{anchor(heading)}" if runbook else f'"{heading}" in docs/runbook.md'


def anchor(heading: str) -> str:
    """Return a heading as an anchor, as Markdown's renderers make it."""
    return heading.lower().replace(" ", "-")
