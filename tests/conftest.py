"""Test session: shapes and types of every annotated function of Maquette are checked while the tests run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# Before any module of the package is imported, or its functions would escape the check.
_HOOK = install_import_hook("maquette", "beartype.beartype")

# No test asserts a time; and what CI sees must be the same each time (locally, chance goes on looking for new cases).
settings.register_profile("maquette", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("maquette")

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def goldens_dir() -> Path:
    """Reference outputs of the original implementations that come with the tests."""
    return CHECKOUT / "tests" / "goldens"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with the open data and the full set of reference outputs; the test is skipped where there is none."""
    path = Path(os.environ.get("MAQUETTE_SHARED", CHECKOUT.parent / "shared"))
    if not path.is_dir():
        pytest.skip(f"no reference data at {path} (set MAQUETTE_SHARED)")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Headless Chromium; the test is skipped where there is none."""
    from headless_browser import chromium

    with chromium() as running:
        yield running
