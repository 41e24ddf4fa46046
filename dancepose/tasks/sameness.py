"""Whether the run of a folder is the very run that a configuration asks for, and what differs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dancepose import __version__
from dancepose.commit import commit
from dancepose.errors import ConfigError, DanceposeError
from dancepose.run_keys import NOT_HASHED_ANYWHERE
from dancepose.sweeps.launched import has_begun
from dancepose.tasks.config_hash import NOT_HASHED
from dancepose.tasks.initial_weights import other_weights
from dancepose.tasks.run_directory import RunDirectory

TOLD = 3  # differences


@dataclass(frozen=True)
class RunState:
    """How the run of a folder stands to what is asked for.

    Attributes:
        status: missing, interrupted (or killed), failed, done, stale, unknown (the data cannot be read).
        cause: why it failed, what it is stale by, or why nothing is known; of a done one: its other commit.
        same: whether a failed run is the one that is asked for, so that its checkpoint is of use.
        begun: whether a failed run had read its data and begun to train.
    """

    status: str
    cause: str = ""
    same: bool = True
    begun: bool = True


def run_state(
    run: RunDirectory, config: Mapping[str, Any], hashes: Callable[[], tuple[str, str]]
) -> RunState:
    """Tell how the run of a folder stands, by the hash that it carries.

    Args:
        run: the folder.
        config: of now, plain.
        hashes: returns those of the data and of the split of now; called only where nothing else differs.
    """
    metrics = run.read_metrics()
    status = metrics.get("status")
    if status is None:
        return RunState("missing")
    try:
        changed = changes(run, config)
    except DanceposeError as error:  # no config.yaml
        changed = [str(error)]
    unreadable = ""
    if not changed:
        try:
            changed = other_weights(metrics, config) or other_data(metrics, *hashes())
        except (
            DanceposeError,
            OSError,
        ) as error:  # not mounted, say: it has not changed
            unreadable = f"the data cannot be read: {error}"
    if status == "failed":
        return RunState("failed", str(metrics.get("cause", "")), not changed, has_begun(metrics))
    if unreadable:
        return RunState("unknown", unreadable)
    if changed:
        return RunState("stale", "; ".join(changed[:TOLD]), same=False)
    return RunState("done", other_commit(metrics)) if status == "done" else RunState("interrupted")


def changes(run: RunDirectory, config: Mapping[str, Any]) -> list[str]:
    """Return in words how a configuration, and this version, differ from those of a run; not its data.

    Raises:
        ConfigError: the folder holds no configuration.
    """
    told = [*changed_settings(run, config).values()]
    version = run.read_metrics().get("version")
    if version != __version__:
        told.append(f"dancepose was {version}, is {__version__}")
    return told


def changed_settings(run: RunDirectory, config: Mapping[str, Any]) -> dict[str, str]:
    """Return key -> `<key> was 1, is 2` of what decides a result and differs from the settings of a run.

    Raises:
        ConfigError: the folder holds no configuration.
    """
    before = run.read_config()
    return {
        key: f"{key} was {was}, is {is_now}"
        for node in dict.fromkeys([*before, *config])
        if node not in NOT_HASHED
        for key, was, is_now in differences(before.get(node), config.get(node), str(node))
        if key.rpartition(".")[2] not in NOT_HASHED_ANYWHERE
    }


def other_data(known: Mapping[str, Any], data: str, split: str) -> list[str]:
    """Return in words whether data or split of a run were others; the hash of the data knows no parts.

    Args:
        known: metrics.json of the run; one that names no split is not told apart by it.
        data: hash of the data of now.
        split: hash of their split.
    """
    if known.get("data") != data:
        return [f"the data were {known.get('data')}, are {data}"]
    return [] if known.get("split") in (None, split) else [f"the split was {known['split']}, is {split}"]


def with_commit(known: Mapping[str, Any]) -> dict[str, str]:
    """Return `commit` as metrics.json has it: all by which a run was trained, in their order; or nothing.

    Args:
        known: metrics.json of the run so far, if it goes on.
    """
    commits = [name for name in str(known.get("commit", "")).split(", ") if name]
    if (now := commit()) and now not in commits[-1:]:
        commits.append(now)
    return {"commit": ", ".join(commits)} if commits else {}


def other_commit(known: Mapping[str, Any]) -> str:
    """Say that the code of a run was another; nothing where it was that of now.

    No reason to train again by itself: each change of a comment would make a sweep stale. Who compares runs
    is told, and refused.
    """
    was = str(known.get("commit", ""))
    return f"its code was of commit {was}, and is of {commit()}" if was and commit() not in ("", was) else ""


def check_free(run: RunDirectory) -> None:
    """Refuse to begin a training in a folder that holds one.

    Raises:
        ConfigError: it does.
    """
    if run.occupied:
        raise ConfigError(
            f"{run.path} holds a run already: go on with it (resume={run.path}), or give another folder"
        )


def check_same_run(run: RunDirectory, config: Mapping[str, Any]) -> None:
    """Refuse to take the run of a folder for the one that is asked for where it is another (`reuse=true`).

    Whether the data are the same is for `keep_data` to say.

    Args:
        run: the folder.
        config: of now, plain.

    Raises:
        ConfigError: the run is another; names what differs.
    """
    if changed := changes(run, config) or other_weights(run.read_metrics(), config):
        raise ConfigError(
            f"reuse=true, but {run.path} holds another run: {'; '.join(changed[:TOLD])}. Remove it, or give "
            "another folder (hydra.run.dir=)"
        )


def differences(was: Any, now: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield dotted key, old and new value wherever two nested mappings differ."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*was, *now]):
            yield from differences(was.get(key), now.get(key), f"{path}.{key}")
    elif was != now and not (isinstance(was, Sequence) and isinstance(now, Sequence) and [*was] == [*now]):
        yield path, was, now
