"""Load a page in headless Chromium, where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--dump-dom",
)


def load_page(path: Path, profile: Path) -> tuple[str, list[str]]:
    """Return what a page becomes once its scripts have run, and what it says on the console.

    Errors of scripts are among the latter, and what its policy kept it from loading.

    Args:
        path: of the page.
        profile: an empty folder.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium), which is not installed")
    done = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={profile}", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
