"""Two processes give exactly what one gives, however the frames are dealt out; none deadlocks."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch.distributed as dist
import torch.multiprocessing as mp
from pose_cases import random_case

from dancepose.metrics.mpii import MPIIMeanAP
from dancepose.metrics.oks import OKSAveragePrecision
from dancepose.metrics.pck import PCK
from dancepose.metrics.sides import SideSwaps
from dancepose.skeleton import load_skeleton

FRAMES = 23
SEED = 11
BATCH = 3
SHUFFLED = np.random.default_rng(0).permutation(FRAMES).tolist()
# places in the data set that each process sees, and whether the metric is told of them
DEALS = {
    "in turns, as a sampler deals": ([list(range(0, FRAMES, 2)), list(range(1, FRAMES, 2))], False),
    "in blocks, uneven": ([list(range(5)), list(range(5, FRAMES))], True),
    "shuffled": ([SHUFFLED[:14], SHUFFLED[14:]], True),
    "all to the first": ([list(range(FRAMES)), []], True),
    "all to the second": ([[], list(range(FRAMES))], False),
    "nothing at all": ([[], []], True),
}
TOTAL = {name: [] if name == "nothing at all" else list(range(FRAMES)) for name in DEALS}


def results(places: list[int], tell: bool) -> list[dict]:
    skeleton = load_skeleton("mpii15")
    predictions, frames = random_case(skeleton, SEED, FRAMES)
    rows = []
    for metric in (
        MPIIMeanAP(skeleton),
        MPIIMeanAP(skeleton, protocol="posetrack"),
        OKSAveragePrecision(skeleton),
        SideSwaps(skeleton),
        PCK(skeleton, "torso"),
        PCK(skeleton, "head"),
    ):
        metric.reset()  # what the start of an epoch does
        for start in range(0, len(places), BATCH):
            batch = places[start : start + BATCH]
            arguments = ([predictions[i] for i in batch], [frames[i] for i in batch])
            options = {"indices": batch} if tell and not isinstance(metric, SideSwaps) else {}
            metric.update(*arguments, **options)
        row = metric.compute()
        curves = {name: curve and [curve.truth, *curve.precision] for name, curve in row.curves.items()}
        more: dict = {"curves": curves}
        if row.hits is not None:
            more |= {"counted": row.hits.counted.tolist(), "found": row.hits.found.tolist()}
            more |= {"places": row.hits.places.tolist()} if tell else {}
        rows.append(row.to_dict() | more)
    return rows


def process(rank: int, folder: str) -> None:
    dist.init_process_group(
        "gloo", f"file://{folder}/meet", rank=rank, world_size=2, timeout=timedelta(seconds=20)
    )
    for number, (shares, tell) in enumerate(DEALS.values()):
        rows = results(shares[rank], tell)
        (Path(folder) / f"{number}_{rank}.json").write_text(json.dumps(rows))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What both processes found, in files; a gather that waits for ever fails after 20 s."""
    folder = tmp_path_factory.mktemp("ddp")
    mp.start_processes(process, (str(folder),), nprocs=2, start_method="fork")  # no imports anew
    return folder


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@pytest.mark.parametrize("name", DEALS)
def test_two_processes_equal_one_exactly(folder, name):
    expected = results(TOTAL[name], tell=DEALS[name][1])
    if TOTAL[name]:
        assert all(row["columns"][row["total"]] > 0 for row in expected)
        assert all(row["standard_error"] > 0 for row in expected if row["metric"].startswith("PCK"))
    for rank in (0, 1):
        rows = json.loads((folder / f"{list(DEALS).index(name)}_{rank}.json").read_text())
        assert rows == expected
