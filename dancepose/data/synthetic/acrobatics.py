"""`acrobatic_pose`: bodies upside down, in the air, bent and on the floor, as athletes and dancers are."""

from collections.abc import Callable

import numpy as np

from dancepose.data.synthetic.airborne import flip, split_leap, tucked_jump
from dancepose.data.synthetic.balances import arabesque, bend_back, bend_forward, high_kick
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.floorwork import bridge, lying, propped, seated, splits
from dancepose.data.synthetic.inverted import cartwheel, freeze, handstand, headstand
from dancepose.data.synthetic.pose import Pose

KINDS: dict[str, tuple[Callable[[np.random.Generator, Body], Pose], float]] = {
    "handstand": (handstand, 0.11),
    "cartwheel": (cartwheel, 0.08),
    "headstand": (headstand, 0.04),
    "freeze": (freeze, 0.06),
    "flip": (flip, 0.13),
    "split_leap": (split_leap, 0.08),
    "tucked_jump": (tucked_jump, 0.09),
    "arabesque": (arabesque, 0.06),
    "high_kick": (high_kick, 0.06),
    "bend_forward": (bend_forward, 0.08),
    "bend_back": (bend_back, 0.02),
    "lying": (lying, 0.05),
    "propped": (propped, 0.05),
    "bridge": (bridge, 0.03),
    "splits": (splits, 0.02),
    "seated": (seated, 0.04),
}  # how each is drawn, and its share


def acrobatic_pose(random: np.random.Generator, body: Body) -> Pose:
    """Draw a pose of one of `KINDS`.

    Args:
        random: where it is drawn from.
        body: whose pose it is: how it comes to rest depends on its build.
    """
    draws, shares = zip(*KINDS.values(), strict=True)
    return draws[int(random.choice(len(draws), p=shares))](random, body)
