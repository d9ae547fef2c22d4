"""The project's own code, as documents name it."""

import ast
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_CORE: Final = ROOT / "lambda_src" / "lightkeeper"
_PACKAGES: Final = {
    name: ROOT / folder
    for name, folder in {
        "recovery_calendar": "lambda_src/recovery_calendar",
        "lightkeeper_cli": "lightkeeper_cli",
        "infra": "infra",
    }.items()
}


def code_called(name: str) -> str:
    """Return the code of ``module.name``: a module of the core, or one by its package, such as ``infra.alarms.NO_RUN``.

    Raises
    ------
    LookupError
        If there is no such module, or it has nothing of that name.
    """
    first, *rest = name.split(".")
    path, parts = (_PACKAGES[first], rest) if first in _PACKAGES else (_CORE, [first, *rest])
    while parts and (path / parts[0]).is_dir():
        path, parts = path / parts[0], parts[1:]
    if len(parts) < len(("module", "name")) or not (module := path / f"{parts[0]}.py").is_file():
        raise LookupError(f"{name}: no such module")
    return code_of(module, ".".join(parts[1:]))


def code_of(path: Path, name: str) -> str:
    """Return the code of a function, class or constant of a module, dotted for what is within.

    Raises
    ------
    LookupError
        If the module has nothing of that name.
    """
    code, body = _parsed(path)
    found: ast.stmt | None = None
    for part in name.split("."):
        found = next((statement for statement in body if part in _names_of(statement)), None)
        body = getattr(found, "body", [])
    if found is None:
        raise LookupError(f"{path.name} has no {name}")
    return ast.get_source_segment(code, found) or ""


@cache
def _parsed(path: Path) -> tuple[str, list[ast.stmt]]:
    """Return a module's code and its statements: hundreds of tests ask for the same modules."""
    code = path.read_text(encoding="utf-8")
    return code, ast.parse(code).body


def _names_of(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case _:
            return set()
