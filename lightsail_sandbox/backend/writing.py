"""How answers show operations and pages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lightsail_sandbox.backend.settings import current_script

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend
    from lightsail_sandbox.backend.operations import Operation

Answer = dict[str, Any]


def write_operations(backend: "LightsailBackend", operations: "Sequence[Operation]") -> Answer:
    """Answer a write."""
    return {"operations": [operation.render(backend.now) for operation in operations]}


def write_operation(backend: "LightsailBackend", operations: "Sequence[Operation]") -> Answer:
    """Answer a write that concerns one resource only, and says so."""
    [operation] = operations
    return {"operation": operation.render(backend.now)}


def write_page(member: str, shown: Sequence[object], token: str | None) -> Answer:
    """Answer a list call with a page, and the token of the next one if there is one."""
    script = current_script()
    script.items, script.more = len(shown), token is not None
    answer: Answer = {member: [*shown]}
    if token is not None:
        answer["nextPageToken"] = token
    return answer
