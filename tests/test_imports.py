"""The import rule of the README, section "How it is built", and how long a file may be."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import dancepose

PACKAGE = Path(dancepose.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# a module may import from its own row and from those above it
LEVELS = [
    {
        "errors",
        "paths",
        "files",
        "records",
        "skeleton",
        "keypoint_map",
        "progress",
        "checks",
        "run_keys",
        "run_yaml",
        "quiet",
    }
    | {
        "model_card",
        "text_table",
        "key_comments",
        "override_keys",
        "feature_layout",
        "body",
        "affine",
        "image_files",
        "commit",
        "interrupt",
        "allocator",
    },
    {"layers", "codecs", "metrics", "features", "skeleton_image", "torso_frame"},
    {"networks"},
    {"attentions", "encoders", "model_parts"},
    {"pose_model", "motion_keys"},
    {"baselines"},
    {"motion_model"},
    {"build"},
    {"inference"},
    {"__init__"},  # the Python API: `dancepose.Pipeline`, loaded when it is asked for
    {"data"},
    {"sweeps"},  # reads run directories: numpy, scipy and metrics, no framework
    {"benchmarks"},
    {
        "config",
        "config_keys",
        "config_reference",
        "config_values",
        "limits",
        "resolvers",
        "targets",
        "tasks",
        "callbacks",
    },
    {"train", "evaluate", "browse", "benchmark", "synthesize", "compare", "predict", "export"}
    | {
        "entry",
        "help_text",
        "resume",
        "command_line_errors",
        "composed_keys",
        "override_errors",
        "quick_start",
    }
    | {"closed_pipe", "log_file"},
]
FRAMEWORKS = {"hydra", "omegaconf", "lightning", "wandb"}
MAY_USE_FRAMEWORKS = LEVELS[-2] | LEVELS[-1]
MAY_USE_EACH_OTHER = LEVELS[0] | LEVELS[-2] | LEVELS[-1]
ONLY_IN: dict[str, tuple[str, ...]] = {
    "albumentations": ("data/transforms.py",),
    "matplotlib": (
        *(f"inference/{name}.py" for name in ("figure", "charts", "action_charts", "lettering")),
        "data/statistics_panels.py",
    ),
    "torchvision": (),
    "pytorch_lightning": (),
}
DATA_MODULES = tuple(f"data/{name}.py" for name in ("datamodules", "motion_datamodule", "frame_datamodule"))
LONGEST = 250  # lines of a file
PURE = {"layers", "networks"}  # torch and numpy alone


def level(room: str) -> int:
    return next(i for i, rooms in enumerate(LEVELS) if room in rooms)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            if node.module == "dancepose":  # `from dancepose import tasks` is an import of dancepose.tasks
                names |= {f"dancepose.{alias.name}" for alias in node.names if alias.name != "__version__"}
    return names


def test_a_file_holds_one_family():
    """A longer one has a seam along which it can be divided."""
    lines = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path):
    room, relative = room_of(path), str(path.relative_to(PACKAGE))
    for name in imported(path):
        top, *rest = name.split(".")
        if top == "dancepose" and rest:
            allowed = rest[0] == room or level(rest[0]) < level(room) or room in MAY_USE_EACH_OTHER
            assert allowed and level(rest[0]) <= level(room), f"{relative} imports {name}, not below it"
        if top in FRAMEWORKS:
            allowed = room in MAY_USE_FRAMEWORKS or relative in DATA_MODULES
            assert allowed, f"{relative} imports {top}"
        if top in ONLY_IN:
            assert relative in ONLY_IN[top], f"{relative} imports {top}"
        if room in PURE:
            assert top in {"torch", "numpy", "dancepose", "safetensors"} or top in sys.stdlib_module_names, (
                f"{relative}: {top}"
            )


def test_the_rule_sees_a_wrong_import(tmp_path: Path):
    path = tmp_path / "wrong.py"
    path.write_text(
        "from dancepose import data\ndef f():\n    import lightning.pytorch\n"
        "    from dancepose.tasks import x\n"
    )
    assert imported(path) == {"lightning.pytorch", "dancepose.tasks", "dancepose", "dancepose.data"}
    assert level("tasks") > level("layers")


def test_entry_points_start_without_heavy_imports():
    heavy = {"torch", "lightning", "torchmetrics", "albumentations", "cv2", "numpy"}
    for name in LEVELS[-1]:
        tree = ast.parse((PACKAGE / f"{name}.py").read_text())
        for node in tree.body:
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not heavy & {n.split(".")[0] for n in names}, f"{name}.py imports {names} at the top"


def test_files_of_tests_have_names_of_their_own():
    """Two of one name are one module to pytest, which then collects neither."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert len(names) > 100 and sorted(names) == sorted(set(names))


def test_what_is_imported_comes_with_the_package():
    """The environment of tests has extras that a user's has not, so nothing that all run may need one."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    named = {re.split(r"[<>=!;\[ ]", line)[0].lower() for line in project["dependencies"]}
    of_extras = {"hydra_plugins", "onnx", "onnxruntime", "onnxscript", "ray", "submitit", "tensorboard"}
    known = sys.stdlib_module_names | of_extras | {"dancepose"}
    third = {(path.name, name.split(".")[0]) for path in FILES for name in imported(path)}
    third = {(file, top) for file, top in third if top not in known}
    brought = packages_distributions()
    lacking = {(file, top) for file, top in third if not named & {dist.lower() for dist in brought[top]}}
    assert len(third) > 100 and not lacking
