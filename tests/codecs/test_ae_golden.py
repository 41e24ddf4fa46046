"""The AE codec against the published implementation's numbers."""

import time

import cv2
import numpy as np
import pytest
import torch
from ae_table import CASES, case_maps, case_skeleton, count, decode
from scipy.optimize import linear_sum_assignment

from dancepose.codecs.ae_grouping import published_cost
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.losses import heatmap_loss, tag_loss
from dancepose.records import Frame, Person
from dancepose.skeleton import Skeleton

pytestmark = pytest.mark.shared

TARGETS = ("r128_K17_s2", "r256_K17_s2", "r128_K16_s-1", "r64_K15_s1")
STRIDE = 4
# name of the published result -> settings of the codec
STAGES = {
    "match": {"adjust": False, "refine": False},
    "match_adjust": {"refine": False},
    "match_adjust_refine": {},
    "match_refine_noadjust": {"adjust": False},
}


def nameless(count: int) -> Skeleton:
    names = tuple(f"k{i}" for i in range(count))
    return Skeleton("golden", names, (), (), names, (0.1,) * count)


def places(joints: np.ndarray) -> torch.Tensor:
    """Published (..., (index, visible)) -> ours, -1 where not visible."""
    return torch.from_numpy(np.where(joints[..., 1] > 0, joints[..., 0], -1).astype(np.int64))


@pytest.mark.parametrize("name", TARGETS)
def test_targets(golden, name):
    arrays = golden("targets")
    heatmap, joints = arrays[f"{name}_heatmap"], arrays[f"{name}_joints"]
    side = heatmap.shape[1]
    sigma = float(name.split("_s")[1])
    sigma = side / 64 if sigma < 0 else sigma
    joints = joints.astype(np.float64) * [STRIDE, STRIDE, 1]  # theirs are in cells
    frame = Frame(np.zeros(0), (STRIDE * side,) * 2, [Person(k) for k in joints], "golden")
    codec = AssociativeEmbedding(nameless(len(heatmap)), strides=(STRIDE,), sigma=sigma, exact=True)
    targets, weights = codec.encode(frame, frame.size)
    np.testing.assert_array_equal(targets["heatmaps_0"], heatmap)
    # theirs moves a person's joints to the front of the row, and keeps a row for a person who is outside
    theirs = [sorted(row[row >= 0]) for row in places(arrays[f"{name}_jidx"]).numpy()]
    ours = [list(row[row >= 0]) for row in targets["joints"]]
    assert [row for row in ours if row] == [row for row in theirs if row]
    assert targets["joints"].shape == (30, len(heatmap))
    assert all(w.all() for w in weights.values())


def test_heatmap_loss(golden):
    arrays = {k: torch.from_numpy(v) for k, v in golden("losses").items() if k.startswith("hm_")}
    predicted = arrays["hm_pred"].requires_grad_()
    loss = heatmap_loss(predicted, arrays["hm_gt"], arrays["hm_mask"], torch.ones(2, 17))
    torch.testing.assert_close(loss, arrays["hm_loss"], atol=1e-5, rtol=1e-5)
    loss.sum().backward()
    torch.testing.assert_close(
        predicted.grad, arrays["hm_grad"], atol=1e-5 * arrays["hm_grad"].abs().max(), rtol=1e-5
    )


def test_tag_loss(golden):
    arrays = golden("losses")
    flat = torch.from_numpy(arrays["ae_exp_tags"])
    tags = flat.view(5, 17, 32, 32).requires_grad_()
    pull, push = tag_loss(tags, places(arrays["ae_exp_joints"]))
    torch.testing.assert_close(pull, torch.from_numpy(arrays["ae_exp_pull"]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(push, torch.from_numpy(arrays["ae_exp_push"]), atol=1e-5, rtol=1e-5)
    (pull.sum() + push.sum()).backward()
    wanted = torch.from_numpy(arrays["ae_exp_grad"])
    torch.testing.assert_close(tags.grad.view_as(wanted), wanted, atol=1e-5, rtol=1e-5)


def test_whole_loss(golden):
    arrays = golden("losses")
    codec = AssociativeEmbedding(nameless(17))
    outputs = [torch.from_numpy(arrays[f"fac_out{i}"]) for i in range(2)]
    targets = {f"heatmaps_{i}": torch.from_numpy(arrays[f"fac_hm{i}"]) for i in range(2)}
    targets["joints"] = places(arrays["fac_joints0"])
    weights = {f"mask_{i}": torch.ones(2, *o.shape[-2:], dtype=torch.bool) for i, o in enumerate(outputs)}
    losses = codec.loss(outputs, targets, weights | {"labelled": torch.ones(2, 17, dtype=torch.bool)})
    for name, wanted in {
        "heatmap_0": "hmloss0",
        "heatmap_1": "hmloss1",
        "pull": "pull0",
        "push": "push0",
    }.items():
        assert losses[name].item() == pytest.approx(arrays[f"fac_{wanted}"].mean(), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("stage", STAGES)
def test_exact_decode_without_ties(golden, stage):
    arrays = golden("ae_parse_25_clean")
    codec = AssociativeEmbedding(case_skeleton(arrays), exact=True, **STAGES[stage])
    ((keypoints, scores, _),) = codec.decoder(*case_maps(arrays))
    np.testing.assert_array_equal(keypoints, arrays[stage])
    np.testing.assert_array_equal(scores, arrays["scores"])


@pytest.mark.parametrize("release", ["", "_m114"])
@pytest.mark.parametrize("case", CASES)
def test_exact_assignments_cost_what_the_published_do(golden, case, release):
    """Replay the published decode joint by joint: what it chose must cost what our assignment costs.

    Less would mean that we count another cost, more that our assignment is not the best.
    """
    arrays = golden(f"ae_parse_{case}")
    people = arrays["match" + release]  # in the order in which they were begun
    order = case_skeleton(arrays).order_index
    first = [next(p[j, 3] for j in order if p[j, 2] > 0) for p in people]
    compared = 0
    for step, joint in enumerate(order[1:], start=1):
        known = np.flatnonzero((people[:, order[:step], 2] > 0).any(axis=1))[:30]
        real = arrays["topk_val"][joint] > 0.1
        if not real.any() or not len(known):
            continue
        tags, score = arrays["topk_tag"][joint][real], arrays["topk_val"][joint][real]
        before = people[np.ix_(known, order[:step])]
        means = np.array([p[p[:, 2] > 0, 3:].mean(axis=0) for p in before])
        cost = published_cost(np.linalg.norm(tags[:, None] - means[None], axis=2), score)
        places_ = arrays["topk_loc"][joint][real]
        # what has a person's first tag may have been put there for that, whatever the assignment was
        kept = [
            (row, column)
            for column, person in enumerate(known)
            for row in np.flatnonzero((places_ == people[person, joint, :2]).all(axis=1))
            if people[person, joint, 2] > 0 and tags[row] != first[person]
        ]
        rows = np.setdiff1d(np.arange(cost.shape[0]), [r for r, _ in kept])
        columns = np.setdiff1d(np.arange(cost.shape[1]), [c for _, c in kept])
        rest = cost[np.ix_(rows, columns)]  # of these we know no pairs: at best
        theirs = sum(cost[pair] for pair in kept) + rest[linear_sum_assignment(rest)].sum()
        assert cost[linear_sum_assignment(cost)].sum() == pytest.approx(theirs, abs=1e-3)
        compared += 1
    assert compared > 5


@pytest.mark.parametrize("case", CASES)
def test_exact_decode_recovers_as_many_joints(golden, case):
    """As many as the better of both published releases.

    In case 30 grouping recovers 386 of 427 joints, the newer release 382, the older one 296. Each step of all
    three is an assignment of least cost (the test above); the cost has ties, and one taken otherwise changes
    all later steps. Our tie rule (fewest pairs with a rounded distance above 0) leaves some to the solver:
    drawn at random they give 342 to 376 joints in 60 draws, without the rule 251 to 311.
    """
    arrays = golden(f"ae_parse_{case}")

    def recovered(stage):
        return [count(arrays[stage + release], arrays["gt"], 0.0).recovered for release in ("", "_m114")]

    grouped = count(decode(arrays, exact=True, refine=False), arrays["gt"], 0.0)
    refined = count(decode(arrays, exact=True), arrays["gt"], 0.0)
    assert grouped.recovered >= max(recovered("match_adjust"))
    assert refined.recovered >= max(recovered("match_adjust_refine"))


@pytest.mark.parametrize("case", CASES)
def test_default_decode_recovers_as_many_joints_and_invents_nobody(golden, case):
    arrays = golden(f"ae_parse_{case}")
    for refine, stage in ((False, "match_adjust"), (True, "match_adjust_refine")):
        found = count(decode(arrays, refine=refine), arrays["gt"], 0.5)
        assert found.invented == 0 and found.found == found.people
        for release in ("", "_m114"):
            published = count(arrays[stage + release], arrays["gt"], 0.0)
            assert found.recovered >= published.recovered
            assert found.wrong <= published.wrong or found.wrong <= 1


def test_default_decode_of_thirty_people_is_fast(golden):
    """Both modes side by side, one thread: 8 ms against 90 on a server's core; the ratio travels."""
    arrays = golden("ae_parse_30")
    heat, tags = case_maps(arrays)
    outputs = [torch.cat([heat, tags[:, 0]], dim=1)]
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    times: dict[bool, list[float]] = {True: [], False: []}
    try:
        for exact, times_run in ((True, 1), (False, 5)) * 10:
            codec = AssociativeEmbedding(case_skeleton(arrays), strides=(1,), exact=exact)
            for _ in range(times_run):
                start = time.perf_counter()
                codec.decode(outputs)
                times[exact].append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    assert len(times[False]) == 50
    assert np.median(times[True]) > 8 * np.median(times[False])
