"""Smoke test of an installed wheel, outside the checkout: `python -m wheel_smoke <scratch folder>`."""

import subprocess
import sys
from pathlib import Path

from factories import make_labelme

import dancepose


def main(scratch: Path) -> None:
    """Train, evaluate and browse with the installed commands; fail loudly."""
    home = Path(dancepose.__file__).resolve()
    assert scratch.resolve() in home.parents, f"{home} is not the installed wheel"
    assert (home.parent / "conf" / "train.yaml").is_file(), "the wheel lacks its configuration"
    for name in ("page.html.j2", "page_style.css.j2", "page_script.js.j2"):
        assert (home.parent / "sweeps" / name).is_file(), f"the wheel lacks {name}"
    bin_dir = Path(sys.executable).parent
    data = scratch / "labelme"
    make_labelme(data, frames=6)

    def run(name: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(bin_dir / f"dancepose-{name}"), *arguments],
            cwd=scratch,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"dancepose-{name} {arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    assert "dancepose" in run("train", "--help") and "against" in run("compare", "--help")
    small = [
        "model.width=8",
        "data=dance",
        f"data.root={data}",
        "data.size=64",
        "data.test_size=64",
        "data.batch_size=2",
    ]
    run("train", *small, "data.workers=1", "trainer=cpu", "trainer.max_epochs=1", "hydra.run.dir=run")
    checkpoint = scratch / "run" / "checkpoints" / "last.ckpt"
    printed = run(
        "evaluate", f"ckpt={checkpoint}", "data=dance", f"data.root={data}", "data.test_size=64", "part=train"
    )
    assert "mAP" in printed and "Head" in printed, printed
    assert "2 train" in run("synthesize", "root=scenes", "train=2", "val=0", "test=0", "difficulty=easy")
    run("browse", *[s for s in small if "model" not in s], "count=1")
    print("wheel smoke test: 1 passed, 0 failed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
