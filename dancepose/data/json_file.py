"""Reading JSON that a user gives, with errors that name the file."""

import json
from pathlib import Path
from typing import Any

from dancepose.errors import DataError


def load_json(path: Path, key: str = "") -> Any:
    """Read a JSON file.

    Args:
        path: of the file; UTF-8, with or without a byte order mark.
        key: the config key that names it, for the message.

    Raises:
        DataError: it is missing, not UTF-8, or cut off; names the file and the remedy.
    """
    named = f"{key}={path}" if key else str(path)
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{named} is not UTF-8 text ({error.reason}): save it as UTF-8 or remove it"
        ) from None
    except json.JSONDecodeError as error:
        raise DataError(f"{named} is no whole JSON ({error}): save it again or remove it") from None
    except OSError as error:
        raise DataError(f"{named} cannot be read: {error.strerror or error}") from None


def load_mapping(path: Path, key: str = "") -> dict[str, Any]:
    """Read a JSON file that holds a mapping.

    Raises:
        DataError: as `load_json`, or it holds something else.
    """
    content = load_json(path, key)
    if not isinstance(content, dict):
        named = f"{key}={path}" if key else str(path)
        raise DataError(f"{named} must hold a mapping, not a {type(content).__name__}")
    return content
