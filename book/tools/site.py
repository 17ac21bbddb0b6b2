"""From the stage to pages: Jupyter Book's configuration, MathJax, and the build itself."""

import base64
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import itables
import yaml

from .drawings import put_plots_inline
from .errors import BookError, check_log
from .stage import pages

COLAB = "https://colab.research.google.com"
# What MathJax 3 loads for TeX, of the 10 MB that it has.
_MATHJAX = ("tex-mml-chtml.js", "output/chtml/fonts/woff-v2")
_JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"  # it cannot be run by -m
_LINK_WITH_FILE = re.compile(
    r'download="(?P<name>[\w.-]+)" href="data:[\w/+.-]+;base64,(?P<content>[\w+/=]+)"'
)
_TEXT = re.compile(r"<(pre|code|script|style)\b.*?</\1>|<[^>]*>|[^<]+", re.DOTALL)
# The API page imports TensorFlow, whose first line is no fault of a page.
_FAULT = re.compile(r"^(?!WARNING: All log).*(WARNING|ERROR|CRITICAL|SEVERE|[a-z]Error:)")
_ADDRESS = re.compile(r'^_REPOSITORY = "(.*?)"', re.MULTILINE)


def repository_of(root):
    """The repository's address for Colab buttons and links.

    `RRU_NB_REPOSITORY` comes before `repository: url` of `_config.yml`.

    Returns:
        `(address or None, why)`: without an address, `why` says why the buttons are hidden.
    """
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    address = os.environ.get("RRU_NB_REPOSITORY") or settings["repository"]["url"]
    if not address:
        return None, "because no repository is set (make repository URL=https://...)"
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        return None, f"because Colab opens notebooks of GitHub only, and this is {address!r}"
    homeless = [name for name, known in addresses_in_notebooks(root).items() if not known]
    if homeless:
        return None, (
            f"because {', '.join(homeless)} could not install the package there "
            f"(make repository URL={address})"
        )
    return address, None


def addresses_in_notebooks(root):
    """`{notebook: address}`: where each notebook's first cell installs the package from."""
    found = {}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        found[path.name] = next((m[1] for m in map(_ADDRESS.search, sources) if m), "")
    return found


def build_site(folder, repository=None, say=print, substitutions=None):
    """Builds the staged book and returns the folder of the site.

    Args:
        folder: Path of the stage.
        repository: address of the repository, or None for a site without buttons.
        say: a function that is given lines on progress.
        substitutions: dictionary of names to the Markdown that `{{ name }}` in a page stands for.

    Raises:
        BookError: for any warning, and for a page of the contents that was not built.
    """
    _write_config(folder, repository, substitutions or {})
    _vendor_mathjax(folder / "_vendor" / "mathjax")
    vendor_datatables(folder / "_vendor" / "datatables")
    done = subprocess.run(  # noqa: S603 (Jupyter Book on a folder of the book, no shell)
        [sys.executable, "-c", _JUPYTER_BOOK, "build", str(folder)]
        + ["-W", "-n", "--keep-going", "--all", "--quiet"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if done.returncode:
        check_log(done.stdout)
        raise BookError(f"Jupyter Book found fault with the pages:\n{_faults(done.stdout, folder)}")
    site = folder / "_build" / "html"
    _check_complete(folder, site)
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        changed = put_plots_inline(take_files_out_of_links(text, page, site), page)
        changed = keep_units_together(changed)
        if changed != text:
            page.write_text(changed, encoding="utf-8")
    say(f"built {len(pages(folder))} pages")
    return site


def take_files_out_of_links(text, page, site):
    """Turn the files that links of a page hold into files of the site, and return the page.

    A notebook holds them inside its links, so that they go wherever it goes; a page with all of
    them would weigh megabytes.

    Args:
        text: of the page. page: Path of its file. site: Path of the folder of the site.
    """

    def beside(link):
        content = base64.b64decode(link["content"])
        digest = hashlib.sha256(content).hexdigest()[:12]
        path = site / "_downloads" / digest / link["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f'download="{link["name"]}" href="{os.path.relpath(path, page.parent)}"'

    return _LINK_WITH_FILE.sub(beside, text)


def keep_units_together(text):
    """Return a page in which no line breaks within "95 %" or "p = 0.03"; code stays as it is."""

    def unbroken(part):
        words = re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", part[0])
        return re.sub(r"\bp (=|&lt;) (?=\d)", "p\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", words)

    return _TEXT.sub(lambda part: part[0] if part[0].startswith("<") else unbroken(part), text)


def _write_config(folder, repository, substitutions):
    path = folder / "_config.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    # Without an address of ours, Jupyter Book would link to somebody else's repository.
    settings["repository"]["url"] = repository or ""
    settings["launch_buttons"] = {"colab_url": COLAB} if repository else {}
    settings["html"]["use_repository_button"] = bool(repository)
    settings["html"]["use_issues_button"] = bool(repository)
    settings["parse"]["myst_substitutions"] = substitutions
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def _vendor_mathjax(target):
    """Copies MathJax into the stage, so that the site shows its equations without internet."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(spec.origin).parent / "static" / "mathjax"
    for name in _MATHJAX:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (source / name).is_dir() else shutil.copy2
        copy(source / name, target / name)


def vendor_datatables(folder):
    """Write itables' bundle of DataTables as a plain script, and its styles for this theme.

    A browser loads no module from a file, but a script; and the theme marks the dark differently.
    """
    bundle = Path(itables.__file__).parent / "html"
    script = (bundle / "dt_bundle.js").read_text(encoding="utf-8")
    name = re.search(r"export\{[^}]*?(\w+) as default", script)[1]
    script = re.sub(r"export\{[^}]*\};?", f"window.DataTable = {name};\n", script)
    style = (bundle / "dt_bundle.css").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "datatables.js").write_text(f"(() => {{\n{script}\n}})();\n", encoding="utf-8")
    dark = re.sub(r"(html|:root)\.dark", r'\1[data-theme="dark"]', style)
    (folder / "datatables.css").write_text(dark, encoding="utf-8")


def _faults(log, folder):
    """The lines of a log that say what is wrong; the end of the log if none does."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", log).replace(f"{folder}{os.sep}", "")
    lines = plain.splitlines()
    return "\n".join([li for li in lines if _FAULT.search(li)] or lines[-30:])


def _check_complete(folder, site):
    """A page that was not built is an error, whatever Sphinx returned."""
    missing = [str(p) for p in pages(folder) if not (site / p.with_suffix(".html")).is_file()]
    if missing or not (site / "index.html").is_file():
        raise BookError(f"pages that were not built: {', '.join(missing or ['index'])}")
