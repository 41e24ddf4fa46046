import subprocess

import pytest

from dancepose.commit import commit_of


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a package and something beside it."""
    for name in ("package", "docs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.py").write_text("a = 1\n")
    git(tmp_path, "init", "--quiet")
    record(tmp_path)
    return tmp_path


def git(folder, *arguments):
    own = ["-c", "user.name=x", "-c", "user.email=x@y", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True)


def record(folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=x")


def test_the_commit_of_the_package_alone_counts(checkout):
    package = checkout / "package"
    first = commit_of(package)
    assert len(first) == 8
    (checkout / "docs" / "file.py").write_text("a = 2\n")
    assert commit_of(package) == first
    record(checkout)
    assert commit_of(package) == first
    (package / "file.py").write_text("a = 2\n")
    changed = commit_of(package)
    assert changed.startswith(f"{first}+") and len(changed) == 17
    (package / "file.py").write_text("a = 3\n")
    assert commit_of(package) not in (first, changed), "other changes are told apart"
    record(checkout)
    assert "+" not in commit_of(package) != first
    (package / "new.py").write_text("")
    assert "+" in commit_of(package)


def test_what_is_in_no_checkout_of_its_own_has_none(checkout, tmp_path_factory):
    installed = checkout / ".venv" / "package"
    installed.mkdir(parents=True)
    (checkout / ".gitignore").write_text(".venv\n")
    assert commit_of(installed) == "" == commit_of(tmp_path_factory.mktemp("elsewhere"))
    assert commit_of(checkout / "missing") == ""
