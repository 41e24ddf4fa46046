"""Keys of a run's configuration that do not decide what it computes, and what each of them is left out of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """A key at the top of a configuration, with all below it.

    Attributes:
        named: whether it is part of a job's name, and of the hash at its end.
        hashed: whether a run with another value is another run.
        handed_on: whether the launcher of a sweep hands it on to a job as it was typed.
        saved: whether overrides.yaml keeps it, so that a resumed run has it again.
        factor: whether jobs are told apart by it in a comparison.
    """

    named: bool = False
    hashed: bool = False
    handed_on: bool = True
    saved: bool = True
    factor: bool = False


KEYS = {
    # where, how and whether a run is started
    "output": Key(),
    "name": Key(),
    "logger": Key(),
    "hydra": Key(named=True),
    "resume": Key(saved=False),
    "trust": Key(saved=False),
    "reuse": Key(handed_on=False, saved=False),
    "sweep": Key(handed_on=False, saved=False),
    "rerun": Key(handed_on=False, saved=False),
    "dry_run": Key(handed_on=False, saved=False),
    "anew": Key(handed_on=False, saved=False),
    # what is told of it; what it does instead of training
    "objective": Key(named=True),
    "lr_find": Key(named=True),
    # what repeats it, or leaves out its test
    "seed": Key(named=True, hashed=True),
    "test": Key(named=True, hashed=True),
}
# where things lie says nothing of what they are: left out of hashes and factors at any depth
PATH_KEYS = ("root", "annotations", "save_dir", "dirpath")
# how the data come says nothing of them either, for what is random in a sample does not depend on its process
PROCESS_KEYS = ("workers", "cache")
NOT_HASHED_ANYWHERE = (*PATH_KEYS, *PROCESS_KEYS)


def keys_not(use: str) -> tuple[str, ...]:
    """Return the keys that are left out of something.

    Args:
        use: a field of `Key`.
    """
    return tuple(name for name, key in KEYS.items() if not getattr(key, use))
