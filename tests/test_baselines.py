from dataclasses import fields

import numpy as np
import pytest
import torch
import yaml
from stick_figures import CLASSES, figures

from dancepose.baselines import QesConfig, StrConfig
from dancepose.checks import read_arguments
from dancepose.errors import ConfigError
from dancepose.layers.init import initialise
from dancepose.paths import config_dir
from dancepose.skeleton import load_skeleton

OPENPOSE = load_skeleton("openpose18")
COCO = load_skeleton("coco17")
CONFIGS = {"motion_str": StrConfig, "motion_qes": QesConfig}


def made(config, skeleton):
    """Encoder and network of a configuration."""
    return config.encoder(skeleton), config.make(skeleton, CLASSES)


def encoded(encoder, skeleton, count: int, seed: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Batch entries, as the data workers would make and collate them."""
    keypoints, labels = figures(skeleton, count, seed)
    samples = [encoder(np.repeat(one[None], encoder.frames or 1, 0)) for one in keypoints]
    batch = {
        name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in encoder.inputs
    }
    return batch, torch.from_numpy(labels)


def train(network, batch: dict[str, torch.Tensor], labels: torch.Tensor, epochs: int, rate: float) -> None:
    optimizer = torch.optim.Adam(network.parameters(), rate)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, epochs)
    order = torch.Generator().manual_seed(0)
    network.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(labels), generator=order).split(16):
            logits = network(**{name: batch[name][chosen] for name in network.inputs})
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, labels[chosen]).backward()
            optimizer.step()
        decay.step()
    network.eval()


def accuracy(network, batch: dict[str, torch.Tensor], labels: torch.Tensor) -> float:
    with torch.no_grad():
        logits = network(**{name: batch[name] for name in network.inputs})
    assert logits.shape == (len(labels), CLASSES)
    return float((logits.argmax(1) == labels).float().mean())


class TestConfig:
    @pytest.mark.parametrize("name", CONFIGS)
    def test_the_shipped_file_holds_the_defaults_and_nothing_else(self, name):
        plain = yaml.safe_load((config_dir() / "model" / f"{name}.yaml").read_text())
        assert set(plain) == {f.name for f in fields(CONFIGS[name])}
        assert CONFIGS[name](**read_arguments(CONFIGS[name], plain, "model")) == CONFIGS[name]()
        assert CONFIGS[name](**plain).to_dict() == plain

    @pytest.mark.parametrize(
        ("name", "key", "value"),
        [
            ("motion_str", "network", "motion_qes"),
            ("motion_str", "keypoints", "common12"),
            ("motion_str", "frames", 1),
            ("motion_str", "clip_limit", 0.0),
            ("motion_str", "tiles", 0),
            ("motion_str", "depth", 17),
            ("motion_str", "growth", 0),
            ("motion_str", "dropout", 1.0),
            ("motion_str", "init", "xavier"),
            ("motion_qes", "network", "motion"),
            ("motion_qes", "groups", 0),
            ("motion_qes", "hidden", 0),
            ("motion_qes", "postures", 0),
            ("motion_qes", "free_iterations", -1),
            ("motion_qes", "fuzziness", 1.0),
            ("motion_qes", "reject_group", 1.5),
            ("motion_qes", "reject_membership", -0.1),
        ],
    )
    def test_a_wrong_value_names_its_key(self, name, key, value):
        with pytest.raises(ConfigError, match=f"^model.{key}={value}"):
            CONFIGS[name](**{key: value})

    def test_the_result_row_says_what_is_absent(self):
        assert "motion half of the image is absent" in StrConfig().difference_from_paper
        assert "absent" not in StrConfig(frames=8).difference_from_paper
        assert "DenseNet-16 on 32 x 32" in StrConfig().difference_from_paper
        assert "4 centres a class" in QesConfig(postures=4).difference_from_paper
        assert "no fuzzy C-means over samples of several classes" in QesConfig().difference_from_paper
        assert "up to 9 iterations" in QesConfig(free_iterations=9).difference_from_paper

    @pytest.mark.parametrize("config", [StrConfig(), QesConfig()], ids=["str", "qes"])
    def test_encoder_and_network_name_the_same_entries(self, config):
        encoder, network = made(config, COCO)
        assert encoder.inputs == network.inputs
        assert encoder.frames is None


class TestLearning:
    @pytest.mark.parametrize("frames", [None, 3])
    def test_str_tells_stick_figures_apart(self, frames):
        config = StrConfig(frames=frames, depth=7, growth=8, dropout=0.0)
        encoder, network = made(config, OPENPOSE)
        initialise(network, 0, config.init)
        train(network, *encoded(encoder, OPENPOSE, 128, seed=0), epochs=6, rate=0.01)
        assert accuracy(network, *encoded(encoder, OPENPOSE, 80, seed=1)) > 0.9

    def test_qes_tells_stick_figures_apart(self):
        encoder, network = made(QesConfig(), OPENPOSE)
        initialise(network, 0, "kaiming")
        batch, labels = encoded(encoder, OPENPOSE, 128, seed=0)
        network.fit(batch["torso_frame"].numpy(), labels.numpy())
        test = encoded(encoder, OPENPOSE, 80, seed=1)
        assert accuracy(network, *test) > 0.9
        train(network, batch, labels, epochs=2, rate=0.001)
        assert accuracy(network, *test) > 0.9

    def test_what_is_learnt_on_one_skeleton_holds_on_another(self):
        encoder, network = made(QesConfig(), OPENPOSE)
        batch, labels = encoded(encoder, OPENPOSE, 128, seed=0)
        network.fit(batch["torso_frame"].numpy(), labels.numpy())
        other, _ = made(QesConfig(), COCO)
        assert accuracy(network, *encoded(other, COCO, 80, seed=1)) > 0.9

    @pytest.mark.parametrize("name", ["str", "qes"])
    def test_a_state_dict_makes_the_same_network_again(self, name, tmp_path):
        config = StrConfig(depth=7) if name == "str" else QesConfig(postures=2)
        encoder, network = made(config, OPENPOSE)
        batch, labels = encoded(encoder, OPENPOSE, 16, seed=0)
        if name == "qes":
            network.fit(batch["torso_frame"].numpy(), labels.numpy())
        torch.save(network.eval().state_dict(), tmp_path / "weights.pt")
        again = made(config, OPENPOSE)[1].eval()
        again.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
        assert torch.equal(network(**batch), again(**batch))
