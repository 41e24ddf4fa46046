"""Bottom-up multi-person pose estimation and dance action recognition."""

from dancepose.interrupt import end_at_once

end_at_once()  # before any other import: they take most of a command's start

from typing import TYPE_CHECKING, Any  # noqa: E402

if TYPE_CHECKING:
    from dancepose.inference.pipeline import Pipeline

    __version__: str

__all__ = ["Pipeline", "__version__"]


def __getattr__(name: str) -> Any:
    """Look up what is public when it is first asked for: the commands start without torch.

    Even the version takes a tenth of the time of `--help`.
    """
    if name == "Pipeline":
        from dancepose.inference.pipeline import Pipeline

        return Pipeline
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("dancepose")
        except PackageNotFoundError:  # run from a checkout that was never installed
            found = "0.0.0+checkout"
        globals()["__version__"] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
