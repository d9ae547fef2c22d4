"""The file that has a deployment's settings: the one that ``CONFIG=FILE`` of make names, else cdk.json."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from lightkeeper.errors import as_json
from lightkeeper.settings import SettingsError

CDK_JSON: Final = Path(__file__).parent.parent / "cdk.json"
_T = TypeVar("_T")


class ConfigFileError(Exception):
    """A file of settings that cannot be used: a sentence for each thing that is wrong, with the file's name."""


def read_config_file(config: object, read: Callable[[object], _T], *, cdk_json: Path = CDK_JSON) -> _T:
    """Return what `read` makes of a file of settings, as parsed JSON.

    Parameters
    ----------
    config
        The file's path, as it was given; None or empty: cdk.json.
    read
        May raise `SettingsError`.
    cdk_json
        Where that is.

    Raises
    ------
    ConfigFileError
        If there is no such file, it is no JSON, or something is wrong with the settings in it.
    """
    if not isinstance(config, str | None):
        raise ConfigFileError(f"config: {as_json(config)} is not text; expected the path of a file of settings")
    path, name, within = (Path(config), config, "") if config else (cdk_json, cdk_json.name, "lightkeeper: ")
    try:
        return read(json.loads(path.read_text(encoding="utf-8")))
    except SettingsError as error:
        raise ConfigFileError("\n".join(f"{name}: {within}{sentence}" for sentence in error.errors)) from None
    except OSError as error:
        raise ConfigFileError(f"{name}: {error.strerror}; expected a readable file of settings") from None
    except (ValueError, RecursionError) as error:
        raise ConfigFileError(f"{name}: not JSON ({error}); expected a JSON object with the settings in it") from None
