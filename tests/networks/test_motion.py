"""The two branches of the motion classifier, their fusion, and how branches are frozen."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dancepose.errors import ConfigError
from dancepose.layers.init import initialise
from dancepose.layers.pixels import PixelNorm
from dancepose.networks.action import dense
from dancepose.networks.motion import ImageBranch, KeypointBranch, MotionNetwork
from dancepose.networks.resnet import ResNet

FEATURES, CLASSES = 20, 6
BOTH = ("keypoints", "image")


def network(*branches: str, staged: bool = False, dropout: float = 0.5) -> MotionNetwork:
    makers = {
        "keypoints": lambda: KeypointBranch(FEATURES, dropout),
        "image": lambda: ImageBranch(ResNet(18, 4, dropout=dropout)),
    }
    made = MotionNetwork(CLASSES, {name: makers[name]() for name in branches}, dropout, staged)
    initialise(made, 0, "kaiming")
    return made


def batch(size: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (size, 3, 64, 64), generator=generator, dtype=torch.uint8)
    return {"features": torch.randn(size, FEATURES, generator=generator), "image": image}


def taken(made: MotionNetwork, entries: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: entries[name] for name in made.inputs}


def widths(module: nn.Module) -> list[tuple[int, int]]:
    return [(m.in_features, m.out_features) for m in module.modules() if isinstance(m, nn.Linear)]


class TestStructure:
    def test_keypoint_branch(self):
        plain = [(FEATURES, 256), (256, 512), (512, 512), (512, 512), (512, 512)]
        assert widths(KeypointBranch(FEATURES)) == plain
        literal = KeypointBranch(FEATURES, literal_first_layer=True)
        assert widths(literal) == [(FEATURES, 18), (18, 256), *plain[1:]]

    def test_fusion(self):
        made = network(*BOTH)
        assert widths(made.fusion) == [(1024, 512), (512, 512), (512, 256), (256, 256), (256, CLASSES)]
        assert isinstance(made.fusion[-1], nn.Linear)  # nothing after the last

    def test_image_branch_of_the_paper(self):
        with torch.device("meta"):
            assert widths(ImageBranch(ResNet(50))) == [(2048, 512)]

    @pytest.mark.parametrize(
        ("branches", "inputs"),
        [(("keypoints",), ("features",)), (("image",), ("image",)), (BOTH, ("features", "image"))],
    )
    def test_inputs_and_logits(self, branches, inputs):
        made = network(*branches).eval()
        assert made.inputs == inputs
        logits = made(**taken(made, batch()))
        assert logits.shape == (3, CLASSES) and logits.isfinite().all()
        if len(branches) == 1:
            assert made.fusion is None and widths(made.heads) == [(512, CLASSES)]

    def test_each_layer_is_followed_by_relu_and_dropout(self):
        kinds = [type(layer) for layer in dense((3, 4, 5), 0.3)]
        assert kinds == 2 * [nn.Linear, nn.ReLU, nn.Dropout]
        assert {m.p for m in network(*BOTH, dropout=0.3).modules() if isinstance(m, nn.Dropout)} == {0.3}

    @torch.no_grad()
    def test_the_fusion_sees_keypoints_then_image(self):
        made, entries = network(*BOTH).eval(), batch()
        parts = [made.branches["keypoints"](entries["features"]), made.branches["image"](entries["image"])]
        assert torch.equal(made(**entries), made.fusion(torch.cat(parts, 1)))

    @torch.no_grad()
    def test_bytes_are_normalised_within(self):
        made, image = network("image").eval(), batch()["image"]
        assert torch.equal(made(image=image), made(image=PixelNorm()(image)))
        assert not torch.allclose(made(image=image), made(image=image.float()))

    @pytest.mark.parametrize("branches", [(), ("keypoints", "images")])
    def test_wrong_branches_are_told(self, branches):
        with pytest.raises(ConfigError, match=r"model\.branches"):
            MotionNetwork(CLASSES, {name: KeypointBranch(FEATURES) for name in branches})

    def test_one_branch_has_no_stages(self):
        with pytest.raises(ConfigError, match=r"^staged: one branch alone.*two branches"):
            network("keypoints", staged=True)


class TestStart:
    """Logits start near 0 in spite of ten layers of dropout, and every layer learns from the first step."""

    def test_first_loss_is_that_of_a_guess(self):
        torch.manual_seed(0)
        made, entries = network(*BOTH).train(), batch(8)
        loss = F.cross_entropy(made(**entries), torch.arange(8) % CLASSES)
        assert loss.item() == pytest.approx(torch.tensor(CLASSES).log().item(), rel=0.1)
        loss.backward()
        assert all(p.grad.isfinite().all() and p.grad.abs().max() > 0 for p in made.parameters())


class TestStaged:
    def test_each_branch_has_a_classifier_of_its_own(self):
        made, entries = network(*BOTH, staged=True).eval(), batch()
        logits = made.branch_logits(**entries)
        assert list(logits) == list(BOTH)
        for name, entry in zip(BOTH, ("features", "image"), strict=True):
            assert torch.equal(logits[name], made.heads[name](made.branches[name](entries[entry])))

    def test_joint_has_none(self):
        with pytest.raises(ValueError, match=r"model\.fusion_training=joint"):
            network(*BOTH).branch_logits(**batch())

    def test_a_branch_alone_gives_its_logits(self):
        made, entries = network("keypoints").eval(), batch()
        features = entries["features"]
        assert torch.equal(made.branch_logits(features=features)["keypoints"], made(features=features))

    def test_frozen_branches_stay_bit_equal_through_training(self):
        made, entries = network(*BOTH, staged=True), batch()
        optimizer = torch.optim.SGD(made.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)

        def step(frozen: bool) -> None:
            made.train()
            optimizer.zero_grad(set_to_none=False)
            logits = [made(**entries)] if frozen else list(made.branch_logits(**entries).values())
            sum(F.cross_entropy(x, torch.tensor([0, 1, 2])) for x in logits).backward()
            optimizer.step()

        for _ in range(2):  # the optimizer gets a momentum that would go on
            step(frozen=False)
        made.freeze_branches()
        before = {name: value.clone() for name, value in made.state_dict().items()}
        for _ in range(3):
            step(frozen=True)
        changed = {n for n, v in made.state_dict().items() if not torch.equal(v, before[n])}
        assert changed == {name for name in before if name.startswith("fusion.")}

    def test_frozen_branches_stay_in_evaluation_mode(self):
        made, entries = network(*BOTH, staged=True).train(), batch()
        made.freeze_branches()
        for switch in (lambda: None, made.train, made.eval, made.train):
            switch()
            assert not any(m.training for m in made.branches.modules())
        assert made.training and made.fusion.training
        one, two = (made.branch_logits(**entries) for _ in range(2))
        assert all(torch.equal(one[name], two[name]) for name in BOTH)
        assert not any(value.requires_grad for value in made._embed(**entries).values())

    def test_freezing_leaves_evaluation_alone(self):
        made, entries = network(*BOTH, staged=True).eval(), batch()
        before = made(**entries)
        made.freeze_branches()
        assert not made.training and torch.equal(made(**entries), before)
