"""Reading JSON that a user gives, with errors that name the file."""

import json
from pathlib import Path
from typing import Any

from dancepose.errors import DataError


class BrokenFile(DataError):
    """A file, or a field of it, holds something else than it should.

    What is wrong stands apart from where, so that a reader of many files can list it and go on.

    Args:
        file: the file.
        what: what is wrong and what to do, as it follows the name of the file or field.
        field: where in the file, `shapes[3].label` for instance.
        key: the config key that names the file, for the message.
    """

    def __init__(self, file: Path, what: str, field: str = "", key: str = ""):
        self.file, self.field, self.what = file, field, what
        named = f"{key}={file}" if key else str(file)
        super().__init__(f"{named}: {field} {what}" if field else f"{named} {what}")
        self._arguments = (file, what, field, key)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it come back from a worker process as it was raised."""
        return type(self), self._arguments


def load_json(path: Path, key: str = "") -> Any:
    """Read a JSON file.

    Args:
        path: of the file; UTF-8, with or without a byte order mark.
        key: the config key that names it, for the message.

    Raises:
        BrokenFile: it is missing, not UTF-8, or cut off; names the file and the remedy.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        what = f"is not UTF-8 text ({error.reason}): save it as UTF-8 or remove it"
    except (
        ValueError,
        RecursionError,
    ) as error:  # a number of thousands of digits is a ValueError of its own
        what = f"is no whole JSON ({error}): save it again or remove it"
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
    raise BrokenFile(path, what, key=key)


def load_mapping(path: Path, key: str = "") -> dict[str, Any]:
    """Read a JSON file that holds a mapping.

    Raises:
        BrokenFile: as `load_json`, or it holds something else.
    """
    content = load_json(path, key)
    if not isinstance(content, dict):
        raise BrokenFile(path, f"must hold a mapping, not a {type(content).__name__}", key=key)
    return content
