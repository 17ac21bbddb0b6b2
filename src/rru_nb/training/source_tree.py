"""A digest of what Python source does, whatever it looks like and wherever it lies."""

import ast
import hashlib

_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def tree_digest(sources):
    """Return a digest of modules that comments, docstrings, layout and moves leave as it is.

    It is taken of the syntax trees of the modules' texts, in sixteen hex digits, the same for each
    version of Python. Of an import from the package itself only the imported names count, not the
    module that they come from nor the import's place, and neither do the modules' own names, so
    that a module may move to another folder.
    """
    modules = sorted(filter(None, map(_module, sources)))
    return hashlib.sha256("\n".join(modules).encode()).hexdigest()[:16]


def _module(text):
    """Return one line for a module; empty where it does nothing, as many an `__init__.py`."""
    tree, imported = ast.parse(text), set()
    for node in ast.walk(tree):
        if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
        for name, statements in ast.iter_fields(node):
            if isinstance(statements, list):
                internal = [s for s in statements if _is_of_the_package(s)]
                imported |= {(alias.name, alias.asname) for s in internal for alias in s.names}
                setattr(node, name, [s for s in statements if s not in internal])
    return repr((sorted(map(repr, imported)), _plain(tree))) if imported or tree.body else ""


def _is_of_the_package(statement):
    package = __package__.partition(".")[0]
    return isinstance(statement, ast.ImportFrom) and (
        statement.level > 0 or statement.module.partition(".")[0] == package
    )


def _plain(node):
    """Return a tree as tuples and texts; `ast.dump` is not the same in all versions of Python."""
    if isinstance(node, ast.AST):
        fields = [(name, _plain(v)) for name, v in ast.iter_fields(node) if v not in (None, [])]
        return (type(node).__name__, *fields)
    return [_plain(n) for n in node] if isinstance(node, list) else repr(node)
