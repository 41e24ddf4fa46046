"""Where the shipped configuration lies."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def config_dir() -> Path:
    """Return the folder of the shipped Hydra configs: the installed package's own, else the checkout's.

    Raises:
        FileNotFoundError: neither is there, which means that the installation is broken.
    """
    for folder in (PACKAGE / "conf", PACKAGE.parent / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError(
        f"no conf/train.yaml in {PACKAGE} or {PACKAGE.parent}: install dancepose again "
        "(pip install -e . or the wheel)"
    )
