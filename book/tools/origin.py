"""What made a figure or a table: a file of the repository, at the commit of the build."""

import functools
import inspect
import json
import re

from rru_nb.training import provenance

from .captions import LINKS

_TABLE_OR_FIGURE = re.compile(r"<table|<svg|^\| :?---|^:::\{figure\}", re.MULTILINE)


def made_by(path, repository):
    """Return who made it, in HTML: a link where the repository has an address.

    Args:
        path: of a file in the repository, with a line of it or not: `"book/tools/front.py#L9"`.
        repository: its address, or None.
    """
    commit = provenance.commit()
    name = f"<code>{path.partition('#')[0]}</code>"
    if repository and commit["sha"]:
        name = f'<a href="{repository}/blob/{commit["sha"]}/{path}">{name}</a>'
    return f"Made by {name}, commit {provenance.commit_name(commit)}"


def sign_notebook(folder, name, repository):
    """Say below each figure and table of an executed notebook that saves itself what made it.

    Args:
        folder: Path of the stage. name: of the notebook below it. repository: address or None.
    """
    content, line = json.loads((folder / name).read_text(encoding="utf-8")), None
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if LINKS in html:
                line = line or made_by(str(name), repository)
                output["data"]["text/html"] = html.replace("</p>", f" · {line}</p>")
    (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def sign_fragment(text, function, repository):
    """Return a fragment with what made it, if it has a table or a figure."""
    if not _TABLE_OR_FIGURE.search(text):
        return text
    function = function.func if isinstance(function, functools.partial) else function
    path = function.__module__.replace(".", "/")
    line = made_by(f"{path}.py#L{inspect.getsourcelines(function)[1]}", repository)
    return f'{text}\n<p class="rru-downloads">{line}.</p>\n'
