"""The command line as a person types it, in this process."""

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest

from lightkeeper_cli.main import main


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit status, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        """What it printed, as JSON."""
        return json.loads(self.out)


def lightkeeper(*arguments: str, stdin: bytes | None = b"") -> Ended:
    """Run the command as the shell would; without a standard input if it is None."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        # What an option sets in the environment ends with the process, elsewhere.
        mock.patch.dict(os.environ),
        # As Python opens them: only what goes to the standard error may be anything.
        redirect_stdout(io.TextIOWrapper(out, encoding="utf-8", write_through=True)),
        redirect_stderr(io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", write_through=True)),
    ):
        patch.setattr(sys, "argv", ["lightkeeper", *arguments])
        patch.setattr(sys, "stdin", None if stdin is None else io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(int(ended.value.code or 0), out.getvalue().decode(), err.getvalue().decode())
