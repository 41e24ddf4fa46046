"""`QesNetwork`: an MLP and fuzzy C-means in two stages (QES, Wu et al. 2019), for poses in the plane."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from dancepose.errors import ConfigError, DataError
from dancepose.networks.action import ActionNetwork
from dancepose.networks.fuzzy import fuzzy_c_means, memberships, spread_seeds, squared_distances

ORIENTATION = 9  # inputs of the first stage
FLOOR = 1e-6  # of a membership, so that its logarithm is finite
STEPS, RATE = 300, 0.05  # of Adam, over all samples at once, when the first stage learns its groups


class QesNetwork(ActionNetwork):
    """Group of the torso's orientation, then membership of each class within the group.

    Stage 1 is an MLP 9-15-G on the torso's orientation. Stage 2 has, in each group, a centre for each class
    among the training samples; the membership of class c is d_c^(-2 / (b - 1)) over the sum of all (b = 2).

    What is adapted, beside the features (see `TorsoFrameEncoder`):

    - the paper's groups are labelled categories of postures. There are no such labels here:
      groups are the G fuzzy C-means clusters of the orientation over the training samples, and the MLP learns
      them in `fit`.
    - the result is sum_g p_g u_gc with the MLP's p_g rather than that of the likeliest group alone. So the
      MLP also learns from the class labels by gradient, in the same training as every other network. Centres
      stay where `fit` left them: they are no parameters.
    - centres are those of fuzzy C-means over the samples of one class: with one posture a class, its mean.
      From there `free_iterations` lets them move by fuzzy C-means over all samples of the group, whose labels
      it does not see. A yoga posture is one narrow cluster, an action is not: on real skeletons (16 numbers
      of vectors and 8 of bends, five classes) 100 such iterations took nearest-centre accuracy from .41 to
      .32. So the default is 0.
    - `postures` gives a class several centres, whose memberships add up: `wave` has more than one pose,
      `other` many.
    - a class without a sample in a group has no centre in it, and membership 0.

    Args:
        posture: D, numbers of the posture; the input holds 9 + 2 D.
        classes: C.
        groups: G.
        hidden: units of the MLP, with tanh.
        fuzziness: b.
        postures: M, centres of a class in a group at most.
        free_iterations: at most, of fuzzy C-means over a group's samples without their labels.
        reject_group: a sample whose likeliest group has less is rejected.
        reject_membership: so is one whose likeliest class has less.
    """

    inputs = ("torso_frame",)
    rejects = True
    keeps_score = True
    group_centres: Tensor
    centres: Tensor
    present: Tensor
    fitted: Tensor

    def __init__(
        self,
        posture: int,
        classes: int,
        groups: int = 3,
        hidden: int = 15,
        fuzziness: float = 2.0,
        postures: int = 1,
        free_iterations: int = 0,
        reject_group: float = 0.0,
        reject_membership: float = 0.0,
    ) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(ORIENTATION, hidden), nn.Tanh(), nn.Linear(hidden, groups))
        self.register_buffer("group_centres", torch.zeros(groups, ORIENTATION))
        self.register_buffer("centres", torch.zeros(groups, classes, postures, posture))
        self.register_buffer("present", torch.ones(groups, classes, postures, dtype=torch.bool))
        self.register_buffer("fitted", torch.tensor(False))
        self.ready = False
        self.fuzziness = fuzziness
        self.free_iterations = free_iterations
        self.reject_group = reject_group
        self.reject_membership = reject_membership

    @property
    def unfitted(self) -> bool:
        """Whether the centres are still to be found."""
        return not bool(self.fitted)

    @property
    def other_macs(self) -> int:
        """Those of the squared distances: one for each number of each centre."""
        return self.centres.numel()

    @contextmanager
    def measurable(self) -> Iterator[None]:
        """Within it, take samples though no centres are set.

        Operations and their time depend on the centres' shape alone, which the configuration says. So none
        are made up: those that are there, at zero before `fit`, stay where they are.
        """
        before, self.ready = self.ready, True
        try:
            yield
        finally:
            self.ready = before

    def forward(self, torso_frame: Tensor) -> Tensor:
        """Classify.

        Args:
            torso_frame: (B, 9 + 2 D) of `TorsoFrameEncoder`.

        Returns:
            (B, C) log memberships: their softmax is the memberships, which sum to 1.

        Raises:
            ConfigError: `fit` has not been called, nor a checkpoint loaded.
        """
        groups, classes = self._stages(torso_frame)
        mixed = (groups.unsqueeze(-1) * classes).sum(1)
        return ((mixed + FLOOR) / (1 + FLOOR * mixed.shape[1])).log()

    @torch.no_grad()
    def rejected(self, torso_frame: Tensor) -> Tensor:
        """Tell which samples fall below a threshold.

        Rejection changes no logit, so that figures of this network and of others mean the same. A rejected
        sample is no member of any class, also not of one named `other`: where rejection is counted, it is
        wrong.

        Returns:
            (B,) bool; its sum is the number to report.
        """
        groups, classes = self._stages(torso_frame)
        likeliest = (groups.unsqueeze(-1) * classes).sum(1).amax(1)
        return (groups.amax(1) < self.reject_group) | (likeliest < self.reject_membership)

    @torch.no_grad()
    def fit(self, torso_frame: np.ndarray, labels: np.ndarray) -> None:
        """Find groups and centres and teach the MLP the groups; once, before training by gradient.

        Nothing is drawn at random: with equal initial weights, processes which are given the same samples
        come to the same result.

        Args:
            torso_frame: (N, 9 + 2 D) of the training samples.
            labels: (N,) class indices.

        Raises:
            DataError: no samples, a number that is not finite, or a class that has none.
        """
        groups, classes, _, width = self.centres.shape
        if torso_frame.shape != (len(labels), ORIENTATION + 2 * width) or not len(labels):
            wanted = ORIENTATION + 2 * width
            raise DataError(
                f"QES: features of shape {torso_frame.shape} for {len(labels)} labels; (N, {wanted}) are "
                "needed"
            )
        if not np.isfinite(torso_frame).all():
            raise DataError("QES: a feature of the training samples is not a finite number")
        counts = np.bincount(labels, minlength=classes)
        if len(counts) > classes or (counts == 0).any():
            raise DataError(f"QES: samples of each class {counts.tolist()}; {classes} classes need one each")
        # in double precision and on the CPU: the same on every device
        orientation, posture, known = self._split(torch.from_numpy(np.asarray(torso_frame, dtype=np.float64)))
        seeds = spread_seeds(orientation, groups)
        group_centres, shares = fuzzy_c_means(orientation, seeds, fuzziness=self.fuzziness)
        group = shares.argmax(1)
        target = torch.from_numpy(np.asarray(labels, dtype=np.int64))
        self.group_centres.copy_(group_centres)
        for g in range(groups):
            members = group == g
            if not members.any():  # fewer ways to stand than groups: this one is like all
                members = torch.ones_like(members)
            self._place(g, posture[members], known[members], target[members])
        self._teach(orientation, group)
        self.fitted.fill_(True)

    def _place(self, group: int, posture: Tensor, known: Tensor, target: Tensor) -> None:
        """Set the centres of one group from its (n, D) samples."""
        found = []
        self.present[group] = False
        for c, places in enumerate(self.present[group]):  # (M,)
            own = target == c
            if count := min(len(places), int(own.sum())):
                seeds = spread_seeds(posture[own], count, known[own])
                found.append(fuzzy_c_means(posture[own], seeds, known[own], self.fuzziness)[0])
                places[:count] = True
        centres = fuzzy_c_means(posture, torch.cat(found), known, self.fuzziness, self.free_iterations)[0]
        self.centres[group, self.present[group]] = centres.to(self.centres)

    @torch.enable_grad()
    def _teach(self, orientation: Tensor, group: Tensor) -> None:
        inputs, target = orientation.to(self.centres), group.to(self.centres.device)
        optimizer = torch.optim.Adam(self.mlp.parameters(), RATE)
        for _ in range(STEPS):
            optimizer.zero_grad()
            nn.functional.cross_entropy(self.mlp(inputs), target).backward()
            optimizer.step()
        optimizer.zero_grad()

    def _stages(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 9 + 2 D) -> (B, G) probabilities and (B, G, C) memberships."""
        if not (self.ready or self.fitted):
            raise ConfigError("model.network=motion_qes has no centres yet: call fit, or load a checkpoint")
        self.ready = True  # ask the device once alone: each answer waits for it
        orientation, posture, known = self._split(features)
        centres, present = self.centres.flatten(1, 2), self.present.flatten(1, 2)  # (G, C M, D), (G, C M)
        squares = squared_distances(posture.unsqueeze(1), centres, known.unsqueeze(1))
        each = memberships(squares, self.fuzziness, present).unflatten(2, self.present.shape[1:])
        return self.mlp(orientation).float().softmax(1), each.sum(3)

    def _split(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        width = self.centres.shape[-1]
        orientation, posture, known = features.split([ORIENTATION, width, width], -1)
        return orientation, posture, known
