# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quick start: draw scenes, train on them, find people
#
# Nothing has to be at hand: the scenes are drawn, with their labels. A few minutes on a CPU make no good
# network, but everything that a long training on real photographs does happens here, too.

# %%
import os
import subprocess
import sys
from pathlib import Path

from IPython.display import Pretty, display
from PIL import Image

HERE = Path(os.environ.get("DANCEPOSE_NOTEBOOKS", "../outputs/notebooks")).resolve()
SCENES, MINUTES, EPOCHS, WIDTH, SIDE = 300, 5, 100, 16, 192  # more makes a better network, and takes longer
if os.environ.get("DANCEPOSE_QUICK"):  # as the tests run it
    SCENES, MINUTES, EPOCHS, WIDTH, SIDE = 4, 1, 1, 8, 64
HERE.mkdir(parents=True, exist_ok=True)


def run(module, *overrides):
    """Run a command of dancepose and show the line that it told last; where it fails, all lines."""
    shown, told = display(Pretty(f"{module} ..."), display_id=True), []
    plain = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}  # no live bars
    command = [sys.executable, "-m", f"dancepose.{module}", *overrides]
    with subprocess.Popen(
        command, env=plain, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            told.append(line)
            if line.strip():
                shown.update(Pretty(line.strip()))
    if process.returncode:
        raise RuntimeError("".join(told))


# %% [markdown]
# ## Draw
#
# Equal seeds give equal pictures. The test part shares nobody with the training.

# %%
run("synthesize", f"root={HERE}/scenes", f"train={SCENES}", "val=2", "test=4", "difficulty=easy")
display(Image.open(HERE / "scenes" / "sheet.jpg"))

# %% [markdown]
# ## Train
#
# `minutes` trains for as many epochs as fit. `reuse` tells the results again where this very training is
# done. The network is the improved HRNet, with fewer layers and channels. On a folder of your own, labelled
# with Labelme, leave `data.split` out: `data=dance data.root=my/folder`.

# %%
RUN = HERE / "run"
DATA = ["data=dance", f"data.root={HERE}/scenes", "data.split=split.json", f"data.size={SIDE}"]
MODEL = [f"model.width={WIDTH}", "model.depth=small", "model.attention_placement=block", "model.init=kaiming"]
SPEED = ["optimizer=adam_small", "optimizer.lr=2e-3", "scheduler=cosine", "data.batch_size=4"]
KEEP = [f"trainer.max_epochs={EPOCHS}", f"minutes={MINUTES}", "which=last", "reuse=true"]
HERE_AND_NOW = ["data.workers=0", "trainer=cpu", f"hydra.run.dir={RUN}"]
run("train", *DATA, *MODEL, *SPEED, *KEEP, *HERE_AND_NOW)

# %% [markdown]
# ## Predict
#
# A run directory is all that prediction needs. What comes back is a `Frame`, its people in pixels of the
# picture.

# %%
import dancepose

pipeline = dancepose.Pipeline.from_run(pose=RUN, which="last")
pictures = sorted((HERE / "scenes").rglob("test_*.jpg"))[:4]
frames = list(pipeline(pictures))
for frame in frames:
    scores = ", ".join(f"{person.score:.2f}" for person in frame.people[:6])
    print(f"{frame.name}: {len(frame.people)} people; scores {scores or '-'}")

# %% [markdown]
# ## Look
#
# Left is orange, right is blue; what the network is less sure of is more transparent.

# %%
from dancepose.image_files import read_image
from dancepose.inference.drawing import contact_sheet, draw_people

drawn = [
    draw_people(read_image(p), f.people, pipeline.skeleton) for p, f in zip(pictures, frames, strict=True)
]
display(Image.fromarray(contact_sheet(drawn, [path.name for path in pictures], tile=480)))

# %% [markdown]
# And what it looks at: the squared features, summed over the channels, at four places of the network, and
# the gates of its attention.

# %%
from dancepose.inference.activation import draw_activations, pose_activations

pose = pipeline.pose
found, shown = pose_activations(pose.network.eval(), pose.geometry, read_image(pictures[0]))
display(Image.fromarray(draw_activations(shown, found)))

# %% [markdown]
# ## Go on
#
# - `dancepose-evaluate run=...` scores it, `dancepose-predict pose=... source=...` takes folders and
#   videos, `dancepose-export run=...` makes one file of it.
# - Longer: `minutes=60`. From published weights: `model.weights=hrnet_w32.pth`.
