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
# # Reading a sweep over attentions
#
# Four classifiers of actions that differ in one switch: no attention, channel before space (`cbam0`), space
# before channel (`cbam1`), both side by side (`cbam2`). What do they look at, which is better, and what may
# be said of it?
#
# `make demo` leaves such a sweep; any other over `model/attention` with an image branch will do.

# %%
import os
import subprocess
import sys
from pathlib import Path

from IPython.display import display
from PIL import Image

SWEEP = Path(os.environ.get("DANCEPOSE_SWEEP", "../outputs/sweeps/demo_attention")).resolve()
HERE = Path(os.environ.get("DANCEPOSE_NOTEBOOKS", "../outputs/notebooks")).resolve()
if not SWEEP.is_dir():
    raise FileNotFoundError(f"there is no sweep in {SWEEP}: run `make demo`, or set DANCEPOSE_SWEEP")

# %% [markdown]
# ## One picture, four networks
#
# A person whom none of the networks has seen. Of each attention the first seed's run is taken.

# %%
from dancepose.data.synthetic.dataset import sampled_frames, write_scenes
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.image_files import read_image
from dancepose.inference.actions import ActionPredictor, ActionSample
from dancepose.skeleton import load_skeleton

scenes = SceneSet(train=0, val=0, test=1, difficulty="easy", skeleton="openpose18", seed=1)
frame = sampled_frames(scenes, write_scenes(scenes, HERE / "one_scene", workers=1), 1)[0]
person = max(frame.people, key=lambda p: p.present.sum())
sample = ActionSample([person], frame.size, read_image(frame.image))

# %%
from dancepose.inference.runs import load_motion
from dancepose.sweeps.jobs import read_jobs

jobs, left_out = read_jobs([SWEEP])
print(f"{len(jobs)} finished jobs, {len(left_out)} left out")
first = {}
for job in sorted(jobs, key=lambda j: j.seed):
    first.setdefault(job.config["model"]["attention"]["order"], job)

# %% [markdown]
# Each row: the squared features summed over the channels, at the ends of the four stages and where the mean
# over the picture is taken; then the gates. Maps are relative to their own maximum: they say where, not how
# much. The gates of these classifiers run from 0 to 1: dark is shut. (In the trunk of a pose network they run
# to 2, and 1 changes nothing; drawings go from 0 to the largest value that a gate can have.)

# %%
from dancepose.inference.activation import draw_activations, recorded

for order, job in sorted(first.items()):
    classifier = ActionPredictor(load_motion(job.path), load_skeleton("openpose18"), device="cpu")
    with recorded(classifier.model.network) as found:
        answer = classifier([sample])
    (told,) = answer.given_to([person])
    title = f"{order}: {told.action} {told.probabilities.max():.2f}"
    display(Image.fromarray(draw_activations(found.images[0], found, title=title)))

# %% [markdown]
# ## The table

# %%
OUTPUT = HERE / "comparison"
WHAT = [f"sweeps=[{SWEEP}]", "by=model/attention", "against=none", "pictures=0", f"output={OUTPUT}"]
plain = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}  # a notebook's own
done = subprocess.run(
    [sys.executable, "-m", "dancepose.compare", *WHAT], env=plain, capture_output=True, text=True
)
if done.returncode:
    raise RuntimeError(done.stdout + done.stderr)
print((OUTPUT / "comparison.txt").read_text())  # as wide as it is: scroll to the right

# %% [markdown]
# ## What may be concluded, and what not
#
# - **A difference is claimed only where the column `verdict` claims it**: the sign-flip test over paired
#   seeds (Holm over the table), the interval over other seeds, and the one over other seeds and other clips
#   have to agree. Fewer than six seeds decide nothing, however large the difference looks.
# - "No detectable difference" is not "no difference": the table names the smallest one that would have been
#   found.
# - The intervals speak of clips like these. That an attention is better on drawn scenes says nothing of
#   photographs.
# - **A map is no reason.** It shows where features are strong, not what the answer hangs on: two networks
#   with equal maps may answer differently, and one that looks in the right place may be wrong. To know
#   whether a region matters, hide it and see whether the answer changes.
# - One person in one picture is an example. Whoever picks the picture after seeing the maps will find what
#   he looks for.
# - Maps of different networks compare by their shape alone, for each is scaled by itself; gates compare by
#   value. A gate near its middle everywhere does nothing, though it is there: a short training leaves it
#   where it started.
# - Parameters and work are nearly equal in all four, so that a difference would not be one of size. The
#   order of the gates is what differs.
