"""Requests and answers against AWS's own service model, as botocore ships it."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from sandbox.lightsail.exceptions import InvalidInputError, SandboxAnswerError, UnknownOperationError

_VALIDATOR = ParamValidator()  # it keeps nothing between two validations


class Rendering(dict[str, Any]):
    """A resource as answers show it. It is checked once, however many answers it appears in."""

    checked = False


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("lightsail", "service-2"), "lightsail")


@cache
def _shapes(operation: str) -> tuple[StructureShape, StructureShape]:
    operation_model = _model().operation_model(operation) if operation in _model().operation_names else None
    if operation_model is None or operation_model.input_shape is None or operation_model.output_shape is None:
        raise UnknownOperationError(f"Lightsail has no operation {operation!r}.")
    return operation_model.input_shape, operation_model.output_shape


def read_request(operation: str, body: str) -> dict[str, Any]:
    """Read a request's parameters, or refuse them in the words of AWS's model."""
    shape, _ = _shapes(operation)
    try:
        parameters = json.loads(body or "{}")
    except ValueError as error:
        raise InvalidInputError(f"The body of {operation} is not JSON: {error}.") from error
    if problem := _problem(parameters, shape):
        raise InvalidInputError(f"Invalid input: {problem}")
    return dict(parameters)


def write_answer(operation: str, answer: Mapping[str, Any]) -> str:
    """Write an answer as JSON, or say loudly that the sandbox has made a wrong one."""
    _, shape = _shapes(operation)
    outline = {name: _check_renderings(operation, value, shape.members.get(name)) for name, value in answer.items()}
    _check(operation, outline, shape)
    return json.dumps(answer)


def _check_renderings(operation: str, value: object, shape: Shape | None) -> object:
    """Check what has not been checked before, and leave the rest of the answer to be checked as a whole."""
    match value, shape:
        case Rendering(), Shape():
            _check_once(operation, value, shape)
            return {}
        case list(), ListShape():
            renderings: Sequence[object] = value
            for entry in renderings:
                if isinstance(entry, Rendering):
                    _check_once(operation, entry, shape.member)
            return [entry for entry in renderings if not isinstance(entry, Rendering)]
        case _:
            return value


def _check_once(operation: str, rendering: Rendering, shape: Shape) -> None:
    if not rendering.checked:
        _check(operation, rendering, shape)
        rendering.checked = True


def _check(operation: str, value: object, shape: Shape) -> None:
    if problem := _problem(value, shape):
        raise SandboxAnswerError(
            f"The sandbox has made an invalid answer to {operation}; this is its own bug: {problem}"
        )


def _problem(value: Any, shape: Shape) -> str:  # noqa: ANN401 - JSON; finding out what it is is the point
    errors = _VALIDATOR.validate(value, shape)
    return errors.generate_report() if errors.has_errors() else ""
