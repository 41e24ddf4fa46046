"""`Skeleton`: the one description of a set of keypoints; no index or joint name is written anywhere else."""

from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dancepose.errors import ConfigError, did_you_mean
from dancepose.paths import config_dir

DERIVED = {
    "neck": "shoulders",
    "pelvis": "hips",
}  # middle of a pair; for features only, never trained or scored
COLUMNS = ("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")


@dataclass(frozen=True)
class KeypointMap:
    """Carries keypoints of one skeleton over to another (made by `Skeleton.map_to`).

    Attributes:
        index: (K',) index of the source keypoint of each target keypoint, -1 where there is none.
        derived: target keypoint index -> the two source keypoints whose middle it is.
    """

    index: np.ndarray
    derived: dict[int, tuple[int, int]]

    @property
    def covered(self) -> np.ndarray:
        """(K',) bool: the target keypoints that the source has under a name or alias, not derived."""
        return self.index >= 0

    def apply(self, keypoints: np.ndarray) -> np.ndarray:
        """Map (..., K, 3) keypoints to (..., K', 3); what has no source is (0, 0, 0), not annotated.

        A derived point needs both ends annotated; its visibility is the lower of the two.
        """
        padded = np.concatenate([keypoints, np.zeros_like(keypoints[..., :1, :])], axis=-2)
        mapped = padded[..., self.index, :]
        for target, (a, b) in self.derived.items():
            first, second = keypoints[..., a, :], keypoints[..., b, :]
            both = np.minimum(first[..., 2], second[..., 2])
            mapped[..., target, :2] = np.where((both > 0)[..., None], (first + second)[..., :2] / 2, 0)
            mapped[..., target, 2] = both
        return mapped


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
            ConfigError: an unknown or missing field, or a keypoint that is not in `keypoints`.
        """
        name = data.get("name", "?")
        known = [f.name for f in fields(cls)]
        for key in data:
            if key not in known:
                raise ConfigError(f"skeleton {name}: unknown field '{key}'.{did_you_mean(key, known)}")
        for key in ("name", "keypoints", "pairs", "limbs", "grouping_order", "sigmas"):
            if key not in data:
                raise ConfigError(f"skeleton {name}: field '{key}' is missing")
        keypoints = tuple(data["keypoints"])
        if len(set(keypoints)) != len(keypoints):
            raise ConfigError(f"skeleton {name}: a keypoint stands twice in 'keypoints'")

        def check(field_name: str, names: Any) -> tuple[str, ...]:
            for word in names:
                if word not in keypoints:
                    hint = did_you_mean(word, keypoints)
                    raise ConfigError(
                        f"skeleton {name}: '{field_name}' names '{word}', no keypoint of it.{hint}"
                    )
            return tuple(names)

        sigmas = data["sigmas"]
        if isinstance(sigmas, dict):
            if missing := [k for k in keypoints if k not in sigmas]:
                raise ConfigError(f"skeleton {name}: 'sigmas' lacks {', '.join(missing)}")
            sigmas = [sigmas[k] for k in check("sigmas", sigmas) and keypoints]
        if len(sigmas) != len(keypoints):
            raise ConfigError(f"skeleton {name}: {len(sigmas)} 'sigmas' for {len(keypoints)} keypoints")
        order = check("grouping_order", data["grouping_order"])
        if sorted(order) != sorted(keypoints):
            raise ConfigError(f"skeleton {name}: 'grouping_order' must name every keypoint once")
        aliases = {str(a): str(k) for a, k in (data.get("aliases") or {}).items()}
        check("aliases", aliases.values())
        if clash := set(aliases) & set(keypoints):
            raise ConfigError(f"skeleton {name}: '{sorted(clash)[0]}' is both a keypoint and an alias")
        return cls(
            name=str(name),
            keypoints=keypoints,
            pairs=tuple((a, b) for a, b in (check("pairs", pair) for pair in data["pairs"])),
            limbs=tuple((a, b) for a, b in (check("limbs", limb) for limb in data["limbs"])),
            grouping_order=order,
            sigmas=tuple(float(s) for s in sigmas),
            columns={c: check("columns", names) for c, names in (data.get("columns") or {}).items()},
            roles={r: check("roles", names) for r, names in (data.get("roles") or {}).items()},
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
        found = self.find(keypoint)
        if found is None:
            raise KeyError(
                f"skeleton {self.name} has no keypoint '{keypoint}'.{did_you_mean(keypoint, self.keypoints)}"
            )
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
        for a, b in self.pairs:
            i, j = self.index(a), self.index(b)
            index[i], index[j] = j, i
        return index

    @property
    def limb_index(self) -> np.ndarray:
        """(L, 2) int64: keypoint indices of the limbs."""
        return np.array([[self.index(a), self.index(b)] for a, b in self.limbs], dtype=np.int64).reshape(
            -1, 2
        )

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
                if point in other.keypoints and ends is not None:
                    t = other.keypoints.index(point)
                    if (
                        point == "neck" or index[t] < 0
                    ):  # `neck` is the middle of the shoulders in every skeleton
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
        raise ConfigError(
            f"no skeleton '{name_or_path}'.{hint} Shipped: {', '.join(known)}; or give a YAML file."
        )
    try:
        data = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path} does not hold a skeleton: a mapping with keypoints, pairs, limbs, ... is needed"
        )
    return Skeleton.from_dict(data)
