"""Bottom-up multi-person pose estimation and dance action recognition."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("dancepose")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0.0.0+checkout"
