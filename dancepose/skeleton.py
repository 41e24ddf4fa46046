"""`Skeleton`: the one description of a set of keypoints; no index or joint name is written anywhere else."""

import math
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dancepose.errors import ConfigError, did_you_mean
from dancepose.keypoint_map import KeypointMap
from dancepose.paths import config_dir

# keypoint -> the pair whose middle it is; for features only, never trained or scored
DERIVED = {"neck": "shoulders", "pelvis": "hips"}
ROLES = {"shoulders": 2, "hips": 2, "neck": 1, "head": 2}  # role -> number of its keypoints
COLUMNS = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")


@dataclass(frozen=True)
class Skeleton:
    """A set of keypoints and all that depends on which they are.

    Attributes:
        name: name of the skeleton, that of its YAML file.
        keypoints: names in the order of every array's keypoint axis.
        pairs: left and right keypoint that change places under a mirror.
        limbs: pairs of keypoints joined by a line.
        grouping_order: all keypoints, from the torso outwards: the order in which AE groups them.
        sigmas: OKS sigma of each keypoint.
        columns: report column -> the keypoints scored in it; what stands in none is trained but not scored.
        roles: `shoulders` and `hips` (left, right), `neck`, `head` (top, neck) where there is one.
        aliases: other data sets' names for the same point -> its name here.
    """

    name: str
    keypoints: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    limbs: tuple[tuple[str, str], ...]
    grouping_order: tuple[str, ...]
    sigmas: tuple[float, ...]
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Skeleton":
        """Make a skeleton from plain data (a YAML file, a config node, a checkpoint) and check it.

        `sigmas` may be a mapping from keypoint to sigma.

        Raises:
            ConfigError: a field is unknown, missing or holds something else than it should; names it.
        """
        name = str(data.get("name", "?"))

        def wrong(text: str) -> ConfigError:
            return ConfigError(f"skeleton {name}: {text}")

        def words(where: str, value: Any, count: int | None = None) -> tuple[str, ...]:
            plain = isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value)
            if not plain or (count is not None and not len(value) == len(set(value)) == count):
                needed = "a list of names" if count is None else f"a list of {count} different keypoints"
                raise wrong(f"'{where}' must be {needed}, not {value!r}")
            for word in value:
                if where != "keypoints" and word not in keypoints:
                    raise wrong(
                        f"'{where}' names '{word}', no keypoint of it.{did_you_mean(word, keypoints)}"
                    )
            return tuple(value)

        def table(where: str) -> dict[Any, Any]:
            value = data.get(where) or {}
            if not isinstance(value, dict):
                raise wrong(f"'{where}' must be a mapping, not {value!r}")
            return value

        def ends(where: str) -> tuple[tuple[str, str], ...]:
            if not isinstance(data[where], (list, tuple)):
                raise wrong(f"'{where}' must be a list of pairs of keypoints, not {data[where]!r}")
            return tuple((a, b) for a, b in (words(where, pair, 2) for pair in data[where]))

        known = [f.name for f in fields(cls)]
        if unknown := [str(key) for key in data if key not in known]:
            raise wrong(f"unknown field '{unknown[0]}'.{did_you_mean(unknown[0], known)}")
        if missing := [key for key in known[:6] if key not in data]:  # those without a default
            raise wrong(f"field '{missing[0]}' is missing")
        keypoints = words("keypoints", data["keypoints"])
        if not keypoints or len(set(keypoints)) != len(keypoints):
            raise wrong("'keypoints' must hold names, each once")
        pairs = ends("pairs")
        paired = [keypoint for pair in pairs for keypoint in pair]
        if twice := [keypoint for keypoint in paired if paired.count(keypoint) > 1]:
            raise wrong(f"'{twice[0]}' stands in two 'pairs'")
        order = words("grouping_order", data["grouping_order"])
        if sorted(order) != sorted(keypoints):
            raise wrong("'grouping_order' must name every keypoint once")
        sigmas = data["sigmas"]
        if isinstance(sigmas, dict):
            if lacking := set(keypoints) - set(words("sigmas", list(sigmas))):
                raise wrong(f"'sigmas' lacks {', '.join(sorted(lacking))}")
            sigmas = [sigmas[keypoint] for keypoint in keypoints]
        if not isinstance(sigmas, (list, tuple)) or len(sigmas) != len(keypoints):
            raise wrong(f"'sigmas' must be a list or mapping of {len(keypoints)} numbers, not {sigmas!r}")
        for keypoint, sigma in zip(keypoints, sigmas, strict=True):
            if type(sigma) not in (int, float) or not 0 < sigma < math.inf:
                raise wrong(f"'sigmas' has {sigma!r} for {keypoint}: a positive number is needed")
        for role in (roles := table("roles")):
            if role not in ROLES:
                raise wrong(f"'roles' has '{role}', which nothing knows.{did_you_mean(str(role), ROLES)}")
        for column in (columns := table("columns")):
            near = get_close_matches(str(column).title(), COLUMNS, 1, cutoff=0.8)
            if near and column not in COLUMNS:  # one of its own is welcome
                raise wrong(f"'columns' has '{column}'. Did you mean '{near[0]}'?")
        aliases = {str(alias): str(keypoint) for alias, keypoint in table("aliases").items()}
        words("aliases", list(aliases.values()))
        if clash := set(aliases) & set(keypoints):
            raise wrong(f"'{sorted(clash)[0]}' is both a keypoint and an alias")
        return cls(
            name=name,
            keypoints=keypoints,
            pairs=pairs,
            limbs=ends("limbs"),
            grouping_order=order,
            sigmas=tuple(float(sigma) for sigma in sigmas),
            columns={str(column): words(f"columns.{column}", names) for column, names in columns.items()},
            roles={role: words(f"roles.{role}", names, ROLES[role]) for role, names in roles.items()},
            aliases=aliases,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain containers that `from_dict` reads back; what checkpoints and run directories carry."""
        return {
            "name": self.name,
            "keypoints": list(self.keypoints),
            "pairs": [list(p) for p in self.pairs],
            "limbs": [list(p) for p in self.limbs],
            "grouping_order": list(self.grouping_order),
            "sigmas": list(self.sigmas),
            "columns": {c: list(names) for c, names in self.columns.items()},
            "roles": {r: list(names) for r, names in self.roles.items()},
            "aliases": dict(self.aliases),
        }

    def __len__(self) -> int:
        return len(self.keypoints)

    def index(self, keypoint: str) -> int:
        """Return the index of a keypoint given by name or alias.

        Raises:
            KeyError: there is no such keypoint.
        """
        if (found := self.find(keypoint)) is None:
            hint = did_you_mean(keypoint, self.keypoints)
            raise KeyError(f"skeleton {self.name} has no keypoint '{keypoint}'.{hint}")
        return found

    def find(self, label: str) -> int | None:
        """Return the index of a keypoint given by name or alias, or None."""
        name = self.aliases.get(label, label)
        return self.keypoints.index(name) if name in self.keypoints else None

    def indices(self, keypoints: tuple[str, ...] | list[str]) -> np.ndarray:
        """Return the indices of several keypoints given by name or alias, as an int64 array."""
        return np.array([self.index(k) for k in keypoints], dtype=np.int64)

    @property
    def flip_index(self) -> np.ndarray:
        """(K,) int64: `mirrored = keypoints[flip_index]` gives each keypoint its partner's place."""
        index = np.arange(len(self))
        for i, j in map(self.indices, self.pairs):
            index[i], index[j] = j, i
        return index

    @property
    def limb_index(self) -> np.ndarray:
        """(L, 2) int64: keypoint indices of the limbs."""
        return np.array([self.indices(limb) for limb in self.limbs], dtype=np.int64).reshape(-1, 2)

    @property
    def order_index(self) -> np.ndarray:
        """(K,) int64: keypoint indices in grouping order."""
        return self.indices(self.grouping_order)

    @property
    def scored(self) -> np.ndarray:
        """(K,) bool: the keypoints that stand in a report column."""
        mask = np.zeros(len(self), dtype=bool)
        for names in self.columns.values():
            mask[self.indices(names)] = True
        return mask

    def role(self, name: str) -> np.ndarray | None:
        """Return the keypoint indices of a role, or None where the skeleton does not have it."""
        return self.indices(self.roles[name]) if name in self.roles else None

    def map_to(self, other: "Skeleton", derive: bool = False) -> KeypointMap:
        """Map this skeleton's keypoints to another's by name and alias, in both directions.

        Args:
            other: the target.
            derive: make neck the middle of the shoulders and pelvis the middle of the hips. For features
                only: a derived point is never trained on or scored. `upper_neck` is never derived.
        """
        index = np.full(len(other), -1, dtype=np.int64)
        for i, name in enumerate(self.keypoints):
            target = other.find(name)
            if target is None:  # the other's keypoint may be known here under an alias
                target = next((t for t, k in enumerate(other.keypoints) if self.aliases.get(k) == name), None)
            if target is not None:
                index[target] = i
        derived: dict[int, tuple[int, int]] = {}
        if derive:
            for point, role in DERIVED.items():
                ends = self.role(role)
                if point not in other.keypoints or ends is None:
                    continue
                t = other.keypoints.index(point)
                if point == "neck" or index[t] < 0:  # `neck` is the shoulders' middle in every skeleton
                    index[t] = -1
                    derived[t] = (int(ends[0]), int(ends[1]))
        return KeypointMap(index, derived)


@cache
def load_skeleton(name_or_path: str) -> Skeleton:
    """Load a shipped skeleton by name, or a user's own from a YAML file.

    Raises:
        ConfigError: there is no such skeleton or file, or its contents are wrong.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = config_dir() / "skeleton" / f"{name_or_path}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in (config_dir() / "skeleton").glob("*.yaml"))
        hint = did_you_mean(name_or_path, known)
        shipped = ", ".join(known)
        raise ConfigError(f"no skeleton '{name_or_path}'.{hint} Shipped: {shipped}; or give a YAML file.")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no skeleton: a mapping with keypoints, pairs, limbs, ... is needed")
    return Skeleton.from_dict(data)
