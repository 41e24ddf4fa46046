"""The names of the labels and their order, where data do not say them themselves."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from dancepose.data.problems import Problems
from dancepose.errors import DataError, did_you_mean
from dancepose.records import Frame

FILE = "classes.txt"  # the usual name, in the data's folder


def read_classes(path: Path, key: str) -> tuple[str, ...]:
    """Read a text file with one name a line; empty lines are passed over.

    Args:
        path: of the file, UTF-8.
        key: the config key that names it, for messages.

    Raises:
        DataError: it is missing, no text, empty, or names a class twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{key}={path} is not UTF-8 text ({error.reason}): one name a line is needed"
        ) from None
    except OSError as error:
        raise DataError(f"{key}={path} cannot be read: {error.strerror or error}") from None
    names = tuple(line.strip() for line in lines if line.strip())
    if not names:
        raise DataError(f"{key}={path} names no class: one name a line is needed")
    if twice := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{key}={path} names '{twice[0]}' twice")
    return names


def ordered(found: Iterable[str], given: Sequence[str] | None, where: object, key: str) -> tuple[str, ...]:
    """Return the classes of data whose labels are names: as given, else the labels in sorted order.

    Args:
        found: the labels.
        given: the classes in their order, or None.
        where: the data, for messages.
        key: prefix of the config keys, for messages.

    Raises:
        DataError: a label is none of those given.
    """
    labels = sorted(set(found))
    if given is None:
        return tuple(labels)
    for label in labels:
        if label not in given:
            raise DataError(
                f"{where}: '{label}' is none of the classes that {key}.classes (or {FILE}) names "
                f"({', '.join(given)}).{did_you_mean(label, given)} Add it there"
            )
    return tuple(given)


def find_empty(
    frames: Iterable[Frame], classes: Iterable[str], where: object, field: str, problems: Problems
) -> None:
    """Record the classes that nobody does."""
    done = {person.action for frame in frames for person in frame.people}
    for name in classes:
        if name not in done:
            problems.add("class without samples", where, field, f"'{name}'")
