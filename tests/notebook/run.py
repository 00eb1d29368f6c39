"""Runs the notebook as a scientist would and looks at what its cells show."""

import pathlib
import sys

import nbformat
from nbclient import NotebookClient

here = pathlib.Path(__file__).parent
notebook = nbformat.read(here / "trial.ipynb", as_version=4)
NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(here)}}).execute()
nbformat.validate(notebook)

code = [cell for cell in notebook.cells if cell.cell_type == "code"]
bundle, pandas, polars = (code[at].outputs[-1].data for at in (1, 2, 3))

checks = {
    "the bundle shows a table": "<table" in bundle["text/html"],
    "the bundle shows a figure": "<svg" in bundle["text/html"],
    "the bundle has a Plotly figure": "data" in bundle["application/vnd.plotly.v1+json"],
    "the bundle has plain text": "re78" in bundle["text/plain"],
    "the bundle has Markdown": "| re78" in bundle["text/markdown"],
    "pandas reads the rows": "re78" in pandas["text/plain"] and "relative" in pandas["text/plain"],
    "polars reads the rows": "re78" in polars["text/plain"],
}
failed = [name for name, held in checks.items() if not held]
for name in checks:
    print(("failed  " if name in failed else "ok      ") + name)
print(f"{len(checks) - len(failed)} passed, {len(failed)} failed")
sys.exit(bool(failed))
