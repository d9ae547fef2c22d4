"""What CloudFormation makes of a template, as far as Lightkeeper's need it: conditions, and functions of text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.template_trees import joined

_NO_VALUE = object()


@dataclass(frozen=True)
class Formation:
    """A template with parameters; attributes of one resource are known."""

    template: dict[str, Any]
    parameters: Mapping[str, str]
    resource: str
    attributes: Mapping[str, str | int]

    def holds(self, condition: str) -> bool:
        """Return whether a condition holds."""
        found = self._resolved(self.template["Conditions"][condition])
        assert isinstance(found, bool)
        return found

    def properties(self, name: str) -> Any:  # noqa: ANN401 - any part of a template
        """Return the properties of a resource."""
        return self._resolved(self.template["Resources"][name]["Properties"])

    def resources(self) -> dict[str, Any]:
        """Return the resources that are made, but for the one whose attributes are known."""
        return {
            name: {key: self._resolved(value) for key, value in each.items() if key != "Condition"}
            for name, each in self.template["Resources"].items()
            if name != self.resource and ("Condition" not in each or self.holds(each["Condition"]))
        }

    def outputs(self) -> Any:  # noqa: ANN401 - any part of a template
        """Return the outputs."""
        return self._resolved(self.template["Outputs"])

    def _resolved(self, part: Any) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912 - a function of CloudFormation's for each case
        match part:
            case {"Ref": "AWS::NoValue"}:
                return _NO_VALUE
            case {"Ref": str(name)} if name in self.parameters:
                return self.parameters[name]
            case {"Fn::GetAtt": [self.resource, str(name)]}:
                return self.attributes[name]
            case {"Fn::If": [str(condition), then, otherwise]}:
                return self._resolved(then if self.holds(condition) else otherwise)
            case {"Fn::Not": [inner]}:
                return not self._resolved(inner)
            case {"Fn::Equals": [one, other]}:
                return self._resolved(one) == self._resolved(other)
            case {"Fn::Select": [int(index), of]}:
                return self._resolved(of)[index]
            case {"Fn::Split": [str(at), text]}:
                return self._resolved(text).split(at)
            case {"Fn::Join": [str(between), parts]}:
                values = self._resolved(parts)
                if between:
                    return {"Fn::Join": [between, values]}
                return joined([str(value) if isinstance(value, int) else value for value in values])
            case dict():
                found = {key: self._resolved(value) for key, value in part.items()}
                return {key: value for key, value in found.items() if value is not _NO_VALUE}
            case list():
                return [value for value in map(self._resolved, part) if value is not _NO_VALUE]
            case _:
                return part
