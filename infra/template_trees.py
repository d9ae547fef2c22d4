"""Templates of CloudFormation as trees: what stands for a setting, and what is there under a condition only."""

import json
import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any, Final, TypeAlias

Node: TypeAlias = Any
"""Any part of a template, as parsed JSON."""
Template: TypeAlias = dict[str, Any]
_NO_VALUE: Final[Node] = {"Ref": "AWS::NoValue"}
# A text is compared by words and by what stands between them.
_WORDS: Final = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9]")


class PlainTemplateError(Exception):
    """The stack cannot be written as a plain template."""


def replaced(node: Node, stand_ins: Mapping[str | int, Node]) -> Node:
    """Return a part of a template with other parts in the place of what stands for them.

    Parameters
    ----------
    node
        The part.
    stand_ins
        These other parts, by the texts and numbers that stand for them; a longer text before its own parts.

    Raises
    ------
    PlainTemplateError
        If a key is made of one: CloudFormation works out values only.
    """
    texts = [each for each in stand_ins if isinstance(each, str)]
    match node:
        case {"Fn::Join": ["", [*parts]]}:
            return joined([replaced(part, stand_ins) for part in parts])
        case dict():
            if wrong := [key for key in node if any(text in key for text in texts)]:
                raise PlainTemplateError(f"{wrong[0]}: is made of a setting; CloudFormation works out values only")
            return {key: replaced(value, stand_ins) for key, value in node.items()}
        case list():
            return [replaced(each, stand_ins) for each in node]
        case str():
            parts = [part for part in re.split(f"({'|'.join(map(re.escape, texts))})", node) if part]
            return joined([stand_ins.get(part, part) for part in parts])
        case int() if not isinstance(node, bool) and node in stand_ins:
            return stand_ins[node]
        case _:
            return node


def either(condition: str, then: Node, otherwise: Node) -> Node:
    """Return a part that is the one where a condition holds, and else the other: what they share stands once."""
    if then == otherwise:
        return then
    if _is_text(then) and _is_text(otherwise) and not (isinstance(then, str) and isinstance(otherwise, str)):
        return _either_text(condition, then, otherwise)
    if _is_object(then) and _is_object(otherwise):
        return {
            key: either(condition, then.get(key, _NO_VALUE), otherwise.get(key, _NO_VALUE))
            for key in {**otherwise, **then}
        }
    if isinstance(then, list) and isinstance(otherwise, list):
        return _either_list(condition, then, otherwise)
    return {"Fn::If": [condition, then, otherwise]}


def either_template(condition: str, then: Template, otherwise: Template) -> Template:
    """Return a template that is the one where a condition holds, and else the other.

    Raises
    ------
    PlainTemplateError
        If a resource is there where the condition does not hold, but not where it does.
    """
    if gone := [name for name in otherwise["Resources"] if name not in then["Resources"]]:
        raise PlainTemplateError(f"{gone[0]}: is not there where {condition} holds; expected the contrary condition")
    added = {
        name: {**resource, "Condition": condition}
        for name, resource in then["Resources"].items()
        if name not in otherwise["Resources"]
    }
    shared = {**then, "Resources": {name: then["Resources"][name] for name in otherwise["Resources"]}}
    merged: Template = either(condition, shared, otherwise)
    return {**merged, "Resources": merged["Resources"] | added}


def put_into(target: Node, condition: str, plain: Node, changed: Node, *, changed_where_it_holds: bool = True) -> Node:
    """Return a part with a difference put into it that was found elsewhere.

    Parameters
    ----------
    target
        The part: the same as the plain one, but for what other conditions have changed in other places.
    condition
        When the difference is there.
    plain, changed
        What differs.
    changed_where_it_holds
        Else the change is there where it does not hold.

    Raises
    ------
    PlainTemplateError
        If other conditions have changed the same place.
    """
    if plain == changed:
        return target
    if target == plain:
        return either(condition, *((changed, plain) if changed_where_it_holds else (plain, changed)))
    if _is_object(target) and _is_object(plain) and _is_object(changed):
        keys = {**plain, **changed, **target}
        found = {
            key: put_into(
                target.get(key, _NO_VALUE),
                condition,
                plain.get(key, _NO_VALUE),
                changed.get(key, _NO_VALUE),
                changed_where_it_holds=changed_where_it_holds,
            )
            for key in keys
        }
        return {key: value for key, value in found.items() if value != _NO_VALUE}
    if isinstance(target, list) and isinstance(plain, list) and len(target) == len(plain) == len(changed):
        return [
            put_into(*three, changed_where_it_holds=changed_where_it_holds)
            for three in ((into, condition, old, new) for into, old, new in zip(target, plain, changed, strict=True))
        ]
    raise PlainTemplateError(f"{condition}: changes the same place as another setting: {json.dumps(plain)[:300]}")


def joined(parts: list[Node]) -> Node:
    """Return the parts of a text as one: a join within it is taken apart, and texts side by side are put together."""
    flat: list[Node] = []
    for part in parts:
        for each in _parts(part):
            if flat and isinstance(each, str) and isinstance(flat[-1], str):
                flat[-1] += each
            elif each != "":
                flat.append(each)
    match flat:
        case []:
            return ""
        case [only]:
            return only
        case _:
            return {"Fn::Join": ["", flat]}


def _is_text(node: Node) -> bool:
    return isinstance(node, str) or (isinstance(node, dict) and node.get("Fn::Join", [None])[0] == "")


def _is_object(node: Node) -> bool:
    return isinstance(node, dict) and not any(key == "Ref" or key.startswith("Fn::") for key in node)


def _parts(text: Node) -> list[Node]:
    match text:
        case {"Fn::Join": ["", [*parts]]}:
            return parts
        case _:
            return [text]


def _either_text(condition: str, then: Node, otherwise: Node) -> Node:
    ours, theirs = (
        [word for part in _parts(text) for word in (_WORDS.findall(part) if isinstance(part, str) else [part])]
        for text in (then, otherwise)
    )
    parts: list[Node] = []
    for kind, i, j, k, m in _differences(ours, theirs):
        if kind == "equal":
            parts += ours[i:j]
        else:
            parts.append({"Fn::If": [condition, joined(ours[i:j]), joined(theirs[k:m])]})
    return joined(parts)


def _either_list(condition: str, then: list[Node], otherwise: list[Node]) -> Node:
    found: list[Node] = []
    for kind, i, j, k, m in _differences(then, otherwise):
        if kind == "equal":
            found += then[i:j]
        elif j - i == m - k:
            found += [either(condition, ours, theirs) for ours, theirs in zip(then[i:j], otherwise[k:m], strict=True)]
        else:
            found += [{"Fn::If": [condition, each, _NO_VALUE]} for each in then[i:j]]
            found += [{"Fn::If": [condition, _NO_VALUE, each]} for each in otherwise[k:m]]
    return found


def _differences(ours: list[Node], theirs: list[Node]) -> list[tuple[str, int, int, int, int]]:
    one, other = ([json.dumps(each) for each in side] for side in (ours, theirs))
    return [*SequenceMatcher(None, one, other, autojunk=False).get_opcodes()]
