"""Free dance: from one free pose into the next on the beat, with jumps as gravity has them."""

from __future__ import annotations

import math
from bisect import bisect
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from dancepose.data.synthetic.acrobatics import acrobatic_pose
from dancepose.data.synthetic.beat import Motion, to_a_beat
from dancepose.data.synthetic.blending import blended, eased, released
from dancepose.data.synthetic.body import Body
from dancepose.data.synthetic.classes import satisfied
from dancepose.data.synthetic.flesh import centre_of_mass
from dancepose.data.synthetic.kinematics import length
from dancepose.data.synthetic.pose import SIDES, Pose
from dancepose.data.synthetic.stances import free_pose

GRAVITY = 9.81  # m/s²
SWAY = 0.06  # lengths of the trunk, radians: more than a beat moves anything of a free pose
KEYS = (3, 8)  # least and most poses of a dance, which goes through them and back again
TRIES = 15  # of a next pose
SAME = 0.03  # shares of the height by which hands and feet may move when legs are released
RISE = (0.1, 0.6)  # metres by which the weight rises in a jump
PUSH = 0.25  # seconds for which one gets ready on the floor before a jump, or comes to rest after it
FAST, FLUNG = (
    2.5,
    6.0,
)  # metres a second that hands and feet go at most on the floor, and in a jump, on average
# of a passage, of the 24ths of its change, the rough ones first: most that show a named action do there
MOMENTS = np.array(sorted(range(1, 25), key=lambda part: -math.gcd(part, 24))) / 24
ENDS = [f"{side}_{name}" for side in SIDES for name in ("wrist", "ankle")]


def draw_dance(random: np.random.Generator, body: Body, acrobatic: float, span: float) -> Motion:
    """Draw a dance that shows none of the five named actions at any moment.

    Args:
        random: where it is drawn from.
        body: who dances.
        acrobatic: share of the poses that are of `acrobatics`.
        span: seconds for which it is seen; 0: a single picture, for which one pose is held.
    """
    if not span:
        return to_a_beat(random, _free(random, body, acrobatic), 0.5)
    beat = random.uniform(0.45, 0.8)
    count = int(np.clip(2 + math.ceil(span), *KEYS))
    keys, passages = [_grounded(_key(random, body, acrobatic))], list[Passage]()
    while len(passages) < count - 1:
        last = passages[-1] if passages else None
        for _ in range(TRIES):
            following = _key(random, body, acrobatic)
            onward = _passage(random, body, keys[-1], following, beat, last)
            if onward is not None:
                break
        else:  # nothing goes on from here
            if last is not None and last.into_the_air:
                keys.pop(), passages.pop()
                continue
            following, onward = keys[-1], Passage(body, keys[-1], keys[-1], beat, (0.0, beat))
        passages.append(onward)
        # who stands steps on from there; else the turns made so far count
        keys.append(_grounded(following) if _stands(following) else onward.second)
    ends = list(accumulate(passage.seconds for passage in passages))

    def at(time: float) -> Pose:
        time = time % (2 * ends[-1])
        time = min(time, 2 * ends[-1] - time)  # back the way it came
        number = min(bisect(ends, time), len(ends) - 1)
        return passages[number].pose(time - ends[number] + passages[number].seconds)

    return Motion(at, 2 * ends[-1])


@dataclass(frozen=True)
class Passage:
    """The way from one pose to the next.

    Attributes:
        body: who goes it.
        first: pose at its start.
        second: pose at its end.
        seconds: how long it takes.
        moving: from when to when the body changes.
        flight: from when to when it is in the air; from or to the highest point of a jump.
        low: height of its centre of mass where it leaves the floor or comes back to it, metres.
        left_first: which foot steps first.
    """

    body: Body
    first: Pose
    second: Pose
    seconds: float
    moving: tuple[float, float]
    flight: tuple[float, float] | None = None
    low: float = 0.0
    left_first: bool = True

    @property
    def into_the_air(self) -> bool:
        """Whether it ends at the highest point of a jump."""
        return self.flight is not None and self.flight[0] > 0

    def pose(self, time: float) -> Pose:
        """Return the pose so many seconds after its start."""
        start, end = self.moving
        pose = self.between(eased((time - start) / (end - start)))
        if self.flight is None or not self.flight[0] <= time <= self.flight[1]:
            return pose
        return replace(pose, jump=max(pose.jump + self.risen(time) - weight(self.body, pose), 0.0))

    def between(self, share: float) -> Pose:
        """Return the pose at a share of the change; on the floor, wherever the body is then."""
        return blended(self.first, self.second, share, self.left_first)

    def risen(self, time: float) -> float:
        """Return the height of the centre of mass in flight, metres: gravity alone acts."""
        assert self.flight is not None
        start, end = self.flight
        after = time - start if self.into_the_air else end - time
        return self.low + GRAVITY * (end - start) * after - GRAVITY * after**2 / 2


def weight(body: Body, pose: Pose) -> float:
    """Return the height of the centre of mass, metres."""
    return float(centre_of_mass(body.joints(pose))[1])


def _free(random: np.random.Generator, body: Body, acrobatic: float) -> Pose:
    while True:
        pose = acrobatic_pose(random, body) if random.random() < acrobatic else free_pose(random)
        if not satisfied(body.joints(pose), SWAY):
            return pose


def _key(random: np.random.Generator, body: Body, acrobatic: float) -> Pose:
    """Draw a free pose that stays as it is when its legs are released."""
    while True:
        pose = _free(random, body, acrobatic)
        grounded = _grounded(pose)
        one, other = body.joints(grounded), body.joints(released(body, grounded))
        if all(length(one[name] - other[name]) < SAME * body.height for name in ENDS):
            return pose


def _grounded(pose: Pose) -> Pose:
    """Return a pose with which a dance may begin: on the floor."""
    return replace(pose, jump=0.0)


def _stands(pose: Pose) -> bool:
    return pose.planted and all(leg.direction is None for leg in pose.legs.values())


def _passage(
    random: np.random.Generator, body: Body, first: Pose, second: Pose, beat: float, last: Passage | None
) -> Passage | None:
    """Return a way from one pose to another; None where there is none that shows no named action."""
    landing = last is not None and last.into_the_air
    rise = float(np.clip(second.jump, *RISE)) if second.jump > 0 else 0.0
    if landing and rise:
        return None
    second = _grounded(second)
    if landing or rise or not (_stands(first) and _stands(second)):
        first, second = released(body, first), released(body, second)
        onward = landing and abs(math.remainder(first.tilt, 2 * math.pi)) > 2.0  # a somersault goes on around
        second = replace(
            second,
            tilt=_nearest(second.tilt, first.tilt + (math.copysign(1.5, first.tilt) if onward else 0.0)),
            roll=_nearest(second.roll, first.roll),
        )
    way = Passage(body, first, second, 1.0, (0.0, 1.0), left_first=bool(random.random() < 0.5))
    if rise:
        way = _into_the_air(way, rise, beat)
    elif landing:
        assert last is not None
        found = _back_to_the_floor(way, last.risen(last.seconds), beat)
        if found is None:
            return None
        way = found
    places = []
    for moment in MOMENTS:
        pose = way.between(eased(float(moment)))
        time = way.moving[0] + moment * (way.moving[1] - way.moving[0])
        if way.flight is not None and way.flight[0] < time < way.flight[1]:
            if way.risen(time) < weight(body, pose) - 0.02:
                return None  # too low to have room
        joints = body.joints(pose)
        if satisfied(joints, SWAY):
            return None
        places.append([joints[name] for name in ENDS])
    ordered = np.array(places)[np.argsort(MOMENTS)]
    path = float(np.linalg.norm(np.diff(ordered, axis=0), axis=-1).sum(0).max())
    if way.flight is not None:
        return way if path < FLUNG * (way.moving[1] - way.moving[0]) else None
    seconds = beat * max(1, math.ceil(path / (FAST * 0.9 * beat)))
    return replace(way, seconds=seconds, moving=(0.1 * seconds, seconds))


def _into_the_air(way: Passage, rise: float, beat: float) -> Passage:
    up = math.sqrt(2 * rise / GRAVITY)
    seconds = beat * math.ceil((up + PUSH) / beat)
    low = weight(way.body, way.between(eased(PUSH / (up + PUSH))))
    return replace(
        way, seconds=seconds, moving=(seconds - up - PUSH, seconds), flight=(seconds - up, seconds), low=low
    )


def _back_to_the_floor(way: Passage, top: float, beat: float) -> Passage | None:
    """Return the second half of a jump; None where it would end higher than it is."""
    down, low = 0.3, 0.0
    for _ in range(6):  # where the body meets the floor depends on when it does
        low = weight(way.body, way.between(eased(down / (down + PUSH))))
        if top - low < RISE[0] / 2:
            return None
        down = math.sqrt(2 * (top - low) / GRAVITY)
    if abs(weight(way.body, way.between(eased(down / (down + PUSH)))) - low) > 0.02:
        return None  # a body that folds so fast never is where it should meet the floor
    seconds = beat * math.ceil((down + PUSH) / beat)
    return replace(way, seconds=seconds, moving=(0.0, down + PUSH), flight=(0.0, down), low=low)


def _nearest(angle: float, goal: float) -> float:
    """Return an angle, or a full turn or more from it, that is nearest to a goal."""
    return goal + math.remainder(angle - goal, 2 * math.pi)
