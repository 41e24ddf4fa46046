from functools import cache

import numpy as np
import pytest
import torch

from dancepose.errors import ConfigError, DataError
from dancepose.layers.init import initialise
from dancepose.networks.fuzzy import memberships
from dancepose.networks.qes import ORIENTATION, QesNetwork

WIDTH = 4
# two ways to stand; classes 0 and 1 differ in the posture, and class 2 is only ever in the second group
FRONT, BEHIND = np.eye(ORIENTATION)[0], -np.eye(ORIENTATION)[0]
POSTURES = np.array([[0, 0, 0, 0], [3, 0, 0, 0], [0, 3, 0, 0]], dtype=float)


def samples(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    behind = (labels == 2) | (np.arange(count) % 2 == 1)
    orientation = np.where(behind[:, None], BEHIND, FRONT) + generator.normal(0, 0.05, (count, ORIENTATION))
    posture = POSTURES[labels] + generator.normal(0, 0.1, (count, WIDTH))
    return np.hstack([orientation, posture, np.ones((count, WIDTH))]).astype(np.float32), labels


def fresh(**settings) -> QesNetwork:
    network = QesNetwork(WIDTH, 3, **({"groups": 2} | settings))
    initialise(network, 0, "kaiming")
    return network


def fitted(**settings) -> QesNetwork:
    network = fresh(**settings)
    network.fit(*samples())
    return network


@cache
def weights() -> dict[str, torch.Tensor]:
    return fitted().state_dict()


def made(**thresholds) -> QesNetwork:
    """As `fitted`, without the wait."""
    network = fresh(**thresholds)
    network.load_state_dict(weights())
    return network


class TestFit:
    def test_finds_the_groups_and_teaches_them_to_the_mlp(self):
        network, (features, _) = made(), samples(seed=1)
        assert sorted(network.group_centres[:, 0].round().tolist()) == [-1, 1]
        front = int(network.group_centres[:, 0].argmax())
        orientation = torch.from_numpy(features[:, :ORIENTATION])
        found = network.mlp(orientation).argmax(1) == front
        assert (found.numpy() == (features[:, 0] > 0)).all()

    def test_centres_are_the_class_means_of_a_group(self):
        network, (features, labels) = made(), samples()
        front = int(network.group_centres[:, 0].argmax())
        mean = features[(labels == 1) & (features[:, 0] > 0), ORIENTATION : ORIENTATION + WIDTH].mean(0)
        np.testing.assert_allclose(network.centres[front, 1, 0], mean, atol=1e-5)

    def test_a_class_that_a_group_does_not_have_has_no_centre_there(self):
        network = made()
        front = int(network.group_centres[:, 0].argmax())
        assert network.present[front, :, 0].tolist() == [True, True, False]
        assert network.present[1 - front].all()
        person = np.concatenate([FRONT, POSTURES[2], np.ones(WIDTH)])
        assert network(torch.from_numpy(person).float()[None]).exp()[0, 2] < 0.05

    def test_a_class_of_several_postures_gets_several_centres(self):
        features, labels = samples()
        labels = np.where(labels == 2, 0, labels)  # class 0 now has two postures
        network = QesNetwork(WIDTH, 2, groups=1, postures=2)
        network.fit(features, labels)
        nearest = torch.cdist(network.centres[0, 0], torch.from_numpy(POSTURES).float()).argmin(1)
        assert sorted(nearest.tolist()) == [0, 2]

    def test_missing_numbers_do_not_count(self):
        features, labels = samples()
        hidden = features.copy()
        hidden[::2, ORIENTATION] = 50
        hidden[::2, ORIENTATION + WIDTH] = 0
        network = QesNetwork(WIDTH, 3, groups=1)
        network.fit(hidden, labels)
        np.testing.assert_allclose(network.centres[0, :, 0].detach(), POSTURES, atol=0.2)

    def test_free_iterations_move_the_centres(self):
        assert (fitted(free_iterations=5).centres != made().centres).any()

    def test_more_groups_than_ways_to_stand(self):
        features, labels = samples()
        features[:, :ORIENTATION] = 0
        network = QesNetwork(WIDTH, 3, groups=4)
        network.fit(features, labels)
        assert torch.isfinite(network(torch.from_numpy(features))).all()

    def test_comes_to_the_same_twice(self):
        again = fitted().state_dict()
        assert all(torch.equal(tensor, again[name]) for name, tensor in weights().items())

    def test_works_where_gradients_are_switched_off(self):
        with torch.no_grad():
            network = fitted()
        assert all(torch.equal(a, b) for a, b in zip(made().parameters(), network.parameters(), strict=True))

    @pytest.mark.parametrize(
        ("features", "labels", "words"),
        [
            (np.zeros((0, 17)), np.zeros(0, int), "shape"),
            (np.zeros((3, 16)), np.arange(3), r"\(N, 17\)"),
            (np.zeros((3, 17)), np.zeros(3, int), r"\[3, 0, 0\]"),
            (np.zeros((4, 17)), np.arange(4), "3 classes"),
            (np.full((3, 17), np.nan), np.arange(3), "finite"),
        ],
    )
    def test_errors(self, features, labels, words):
        with pytest.raises(DataError, match=words):
            fresh().fit(features, labels)


class TestForward:
    def test_softmax_gives_the_mixed_memberships(self):
        network, features = made(), torch.from_numpy(samples(seed=2)[0])
        posture = features[:, ORIENTATION : ORIENTATION + WIDTH]
        groups = network.mlp(features[:, :ORIENTATION]).softmax(1)
        expected = torch.zeros(len(features), 3)
        for g in range(2):
            squares = torch.cdist(posture, network.centres[g, :, 0]) ** 2
            expected += groups[:, g, None] * memberships(squares, present=network.present[g, :, 0])
        torch.testing.assert_close(network(features).softmax(1), expected, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(network(features).exp().sum(1), torch.ones(len(features)))

    def test_only_the_mlp_learns_by_gradient(self):
        network, (features, labels) = made(), samples()
        torch.nn.functional.cross_entropy(
            network(torch.from_numpy(features)), torch.from_numpy(labels)
        ).backward()
        names = [name for name, parameter in network.named_parameters() if parameter.grad.abs().max() > 0]
        assert names == ["mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias"]

    def test_a_hit_on_a_centre_and_nothing_known_stay_finite(self):
        network = made()
        hit = torch.cat([torch.zeros(ORIENTATION), network.centres[0, 0, 0], torch.ones(WIDTH)])
        nothing = torch.zeros(ORIENTATION + 2 * WIDTH)
        logits = network(torch.stack([hit, nothing]))
        logits.sum().backward()
        assert torch.isfinite(logits).all()
        assert all(torch.isfinite(p.grad).all() for p in network.parameters())

    def test_before_fit_it_says_what_to_do(self):
        with pytest.raises(ConfigError, match="call fit, or load a checkpoint"):
            fresh()(torch.zeros(1, 17))

    def test_a_state_dict_carries_everything(self):
        network, other = made(), fresh()
        other.load_state_dict(network.state_dict())
        features = torch.from_numpy(samples(seed=3)[0])
        assert torch.equal(network(features), other(features))
        assert torch.equal(network.rejected(features), other.rejected(features))


class TestRejection:
    def stranger(self) -> torch.Tensor:
        return torch.cat([torch.zeros(ORIENTATION), torch.full((WIDTH,), 100.0), torch.ones(WIDTH)])[None]

    def test_a_stranger_is_rejected_and_samples_are_not(self):
        network, (features, labels) = made(reject_membership=0.6), samples(seed=4)
        assert network.rejected(self.stranger()).tolist() == [True]
        assert network.rejected(torch.from_numpy(features)).sum() == 0
        assert (network(torch.from_numpy(features)).argmax(1).numpy() == labels).all()

    def test_the_group_has_its_own_threshold(self):
        network = made(reject_group=0.9)
        between = torch.zeros(1, ORIENTATION + 2 * WIDTH)
        with torch.no_grad():
            network.mlp[2].weight.zero_()
            network.mlp[2].bias.copy_(torch.log(torch.tensor([0.8, 0.2])))
        assert network.rejected(between).tolist() == [True]
        network.reject_group = 0.7
        assert network.rejected(between).tolist() == [False]

    def test_it_changes_no_logit(self):
        assert torch.equal(made(reject_membership=0.99)(self.stranger()), made()(self.stranger()))

    def test_thresholds_of_0_reject_nothing(self):
        assert not made().rejected(self.stranger()).any()
