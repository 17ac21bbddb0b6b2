"""Writes the repository's address wherever it has to stand.

    python scripts/set_repository.py https://github.com/owner/name

`_config.yml` needs it for the Colab buttons, each notebook for installing the package on Colab,
`CITATION.cff` for whoever cites the software. An empty address takes it out again.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r"https://[\w.-]+/[\w./-]+[\w-]")


def main(address):
    """Sets the address everywhere; returns the exit code."""
    address = address.strip().removesuffix("/").removesuffix(".git")
    if address and not ADDRESS.fullmatch(address):
        print(f"{address!r} is not like https://github.com/owner/name", file=sys.stderr)
        return 2
    _replace(ROOT / "_config.yml", r'(?m)^(  url: )".*"$', rf'\g<1>"{address}"')
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        # Inside JSON, where the quotes of the source are escaped.
        _replace(path, r'(_REPOSITORY = \\")[^"\\]*(\\")', rf"\g<1>{address}\g<2>")
        json.loads(path.read_text(encoding="utf-8"))
    citation = ROOT / "CITATION.cff"
    kept = re.sub(r"(?m)^repository-code: .*\n", "", citation.read_text(encoding="utf-8"))
    line = f'repository-code: "{address}"\n' if address else ""
    citation.write_text(kept.rstrip("\n") + "\n" + line, encoding="utf-8")
    print(f"repository: {address or 'none'}")
    return 0


def _replace(path, pattern, new):
    text, count = re.subn(pattern, new, path.read_text(encoding="utf-8"))
    if count != 1:
        raise SystemExit(f"{path.name}: {count} places for the address, 1 expected")
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/set_repository.py https://github.com/owner/name")
    sys.exit(main(sys.argv[1]))
