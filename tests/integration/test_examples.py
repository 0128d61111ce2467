"""The examples run, and the README shows one of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path: Path) -> None:
    """As a user would start it, from anywhere."""
    done = subprocess.run([sys.executable, str(path)], check=False, capture_output=True, text=True, timeout=55)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_notebook_runs() -> None:
    """In a real kernel; its last cells show a table and plots."""
    notebook = nbformat.read(ROOT / "examples" / "first_measurement.ipynb", as_version=4)  # type: ignore[no-untyped-call] # nbformat's
    NotebookClient(notebook, timeout=50, kernel_name="python3").execute()
    pages = [
        output.data.get("text/html", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    assert any("<svg" in page for page in pages)


def test_the_readme_shows_an_example_that_is_run() -> None:
    """Its Python is that of examples/ten_lines.py, but for the docstring."""
    shown = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    example = (ROOT / "examples" / "ten_lines.py").read_text()
    assert shown is not None
    assert shown[1].strip() in example
