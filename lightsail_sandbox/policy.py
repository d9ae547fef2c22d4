"""A role's policy: whether it lets a call through. As much of IAM as a Lightsail role needs; anything else is refused.

Pure: knows documents and requests, neither HTTP nor Lightsail.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any, Final, Literal

_STATEMENT_KEYS: Final = {"Sid", "Effect", "Action", "Resource", "Condition"}
_VARIABLE: Final = "${"
_Values = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call, as IAM sees it.

    Parameters
    ----------
    action
        Such as ``lightsail:GetDisks``.
    resource
        The ARN of what is changed; None where the action takes no resource.
    context
        The condition keys that the call has, such as ``aws:RequestTag/team``. IAM compares their names in any case.
    """

    action: str
    resource: str | None = None
    context: Mapping[str, _Values] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Condition:
    key: str
    operator: Callable[[_Values, _Values], bool]
    expected: _Values

    def holds(self, context: Mapping[str, _Values]) -> bool:
        return self.operator(context.get(self.key.lower(), ()), self.expected)


@dataclass(frozen=True, slots=True)
class _Statement:
    effect: Literal["Allow", "Deny"]
    actions: _Values
    resources: _Values
    conditions: tuple[_Condition, ...]

    def is_about(self, request: Request, context: Mapping[str, _Values]) -> bool:
        return (
            any(_is_like(request.action.lower(), action.lower()) for action in self.actions)
            and any(
                resource == "*" or (request.resource is not None and _is_like(request.resource, resource))
                for resource in self.resources
            )
            and all(condition.holds(context) for condition in self.conditions)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document."""

    statements: tuple[_Statement, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Policy":
        """Read a policy document.

        Raises
        ------
        ValueError
            If it is none, or holds what this module does not know: better no answer than a wrong one.
        """
        if "Statement" not in document:
            raise ValueError("A policy document is an object with a Statement.")
        given = document["Statement"]
        return cls(tuple(_statement(each) for each in (given if isinstance(given, list) else [given])))

    def allows(self, request: Request) -> bool:
        """Say whether a statement allows the call and none denies it."""
        return self._effects(request) == {"Allow"}

    def denies(self, request: Request) -> bool:
        """Say whether a statement denies the call, so that allowing it would not help."""
        return "Deny" in self._effects(request)

    def _effects(self, request: Request) -> set[str]:
        context = {key.lower(): values for key, values in request.context.items()}
        return {statement.effect for statement in self.statements if statement.is_about(request, context)}


def _statement(given: Mapping[str, Any]) -> _Statement:
    unknown = sorted(set(given) - _STATEMENT_KEYS)
    if unknown:
        raise ValueError(
            f"The sandbox does not know {unknown[0]!r} in a statement; it knows {sorted(_STATEMENT_KEYS)}."
        )
    if given.get("Effect") not in ("Allow", "Deny") or "Action" not in given or "Resource" not in given:
        raise ValueError(f"A statement has an Effect (Allow or Deny), an Action and a Resource; this one: {given!r}.")
    conditions = [
        _Condition(key, _operator(name), _expected(name, expected))
        for name, keys in given.get("Condition", {}).items()
        for key, expected in keys.items()
    ]
    return _Statement(given["Effect"], _texts(given["Action"]), _texts(given["Resource"]), tuple(conditions))


def _texts(value: object) -> _Values:
    values: Sequence[object] = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | bool) for each in values):
        raise ValueError(
            f"{value!r} is neither text nor a list of texts; functions of CloudFormation are not resolved."
        )
    texts = tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)
    for text in texts:
        if _VARIABLE in text:
            raise ValueError(f"{text!r} holds a policy variable, which the sandbox does not resolve; write it out.")
    return texts


def _expected(operator: str, value: object) -> _Values:
    texts = _texts(value)
    if operator != _NULL:
        return texts
    lowered = tuple(text.lower() for text in texts)
    if not set(lowered) <= {"true", "false"}:
        raise ValueError(f"Null is asked for {value!r}; expected true (the key is not there) or false (it is).")
    return lowered


def _is_like(text: str, pattern: str) -> bool:
    # fnmatch's brackets mean nothing to IAM.
    return re.fullmatch(translate(pattern.replace("[", "[[]")), text) is not None


def _is_arn_like(arn: str, pattern: str) -> bool:
    """Compare part by part: what stands for anything never reaches beyond a colon. Only the last part may hold some."""
    parts, patterns = arn.split(":", _ARN_COLONS), pattern.split(":", _ARN_COLONS)
    return len(parts) == len(patterns) and all(map(_is_like, parts, patterns))


def _one(test: Callable[[str, str], bool]) -> Callable[[_Values, _Values], bool]:
    """Hold when the key is there and its value passes against any of those expected."""
    return lambda given, expected: any(test(value, each) for value in given for each in expected)


def _none(test: Callable[[str, str], bool]) -> Callable[[_Values, _Values], bool]:
    return lambda given, expected: not _one(test)(given, expected)


def _is_missing(given: _Values, expected: _Values) -> bool:
    return any((each == "true") is (not given) for each in expected)


_ARN_COLONS: Final = 5
_NULL: Final = "Null"
_OPERATORS: Final[Mapping[str, Callable[[_Values, _Values], bool]]] = {
    "StringEquals": _one(str.__eq__),
    "StringNotEquals": _none(str.__eq__),
    "StringLike": _one(_is_like),
    "StringNotLike": _none(_is_like),
    # To IAM these two are the same.
    "ArnEquals": _one(_is_arn_like),
    "ArnLike": _one(_is_arn_like),
    _NULL: _is_missing,
}


def _operator(name: str) -> Callable[[_Values, _Values], bool]:
    quantifier, _, plain = name.rpartition(":")
    if_exists = plain.endswith("IfExists")
    plain = plain.removesuffix("IfExists")
    is_known = plain in _OPERATORS and quantifier in ("", "ForAllValues", "ForAnyValue")
    if not is_known or (plain == _NULL and name != _NULL):
        raise ValueError(f"The sandbox does not know the condition operator {name!r}; it knows {sorted(_OPERATORS)}.")
    holds = _OPERATORS[plain]

    def test(given: _Values, expected: _Values) -> bool:
        if if_exists and not given:
            return True
        each: Iterable[bool] = (holds((value,), expected) for value in given)
        match quantifier:
            case "ForAllValues":
                return all(each)
            case "ForAnyValue":
                return any(each)
            case _:
                return holds(given, expected)

    return test
