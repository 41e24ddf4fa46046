"""What `dancepose-export` and ONNX files need beyond the package itself."""

from importlib.util import find_spec

from dancepose.errors import ConfigError

EXPORT = ("onnx", "onnxscript", "onnxruntime")
RUN = ("onnxruntime",)


def need_export() -> None:
    """Make sure that a network can be written as ONNX.

    Raises:
        ConfigError: names the packages that are missing, and the extra that brings them.
    """
    _need(EXPORT, "format=onnx")


def need_runtime(path: object) -> None:
    """Make sure that an ONNX file can be run; see `need_export`."""
    _need(RUN, f"{path}: an ONNX file")


def _need(packages: tuple[str, ...], what: str) -> None:
    if missing := [name for name in packages if find_spec(name) is None]:
        raise ConfigError(
            f"{what} needs {', '.join(missing)}, which the extra `export` brings: "
            "python -m pip install -c requirements.lock.txt -e '.[export]'"
        )
