"""Requests and answers against AWS's own service model, as botocore ships it."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

from lightsail_sandbox.backend.exceptions import InvalidInputError, SandboxAnswerError, UnknownOperationError

_VALIDATOR = ParamValidator()  # it keeps nothing between two validations


class Rendering(dict[str, Any]):
    """A resource as answers show it. It is checked and written once, however many answers it appears in."""

    text = ""


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("lightsail", "service-2"), "lightsail")


@cache
def operation_names() -> frozenset[str]:
    """Give the names of all operations of AWS's model."""
    return frozenset(_model().operation_names)


@cache
def _shapes(operation: str) -> tuple[StructureShape, StructureShape]:
    operation_model = _model().operation_model(operation) if operation in operation_names() else None
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
    members = [f"{json.dumps(name)}: {_write(operation, value, shape, name)}" for name, value in answer.items()]
    return f"{{{', '.join(members)}}}"


def _write(operation: str, value: Any, shape: StructureShape, name: str) -> str:  # noqa: ANN401 - JSON
    match value, shape.members.get(name):
        case Rendering(), Shape() as member:
            return _write_rendering(operation, value, member)
        case [Rendering(), *_] as renderings, ListShape() as member:
            texts = [_write_rendering(operation, each, member.member) for each in renderings]
            return f"[{', '.join(texts)}]"
        case _:
            _check(operation, {name: value}, shape)
            return json.dumps(value)


def _write_rendering(operation: str, rendering: Rendering, shape: Shape) -> str:
    if not rendering.text:
        _check(operation, rendering, shape)
        rendering.text = json.dumps(rendering)
    return rendering.text


def _check(operation: str, value: object, shape: Shape) -> None:
    if problem := _problem(value, shape):
        raise SandboxAnswerError(
            f"The sandbox has made an invalid answer to {operation}; this is its own bug: {problem}"
        )


def _problem(value: Any, shape: Shape) -> str:  # noqa: ANN401 - JSON; finding out what it is is the point
    errors = _VALIDATOR.validate(value, shape)
    return errors.generate_report() if errors.has_errors() else ""
