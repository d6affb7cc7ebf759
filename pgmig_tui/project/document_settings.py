"""Where a project's generated documentation is kept, as pgmig.toml says: `[document] file = "docs/schema.md"`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pgmig_tui.errors import ProjectError
from pgmig_tui.script.regular import CONFIG_BYTES, Inside

DEFAULT_FILE = "docs/schema.md"
_EXPECTED = 'expected a path inside the project, as in file = "docs/schema.md"'


def read_document(value: object) -> tuple[str, list[str]]:
    """The file that the table `document` names, and what is wrong with the table."""
    if not isinstance(value, Mapping):
        return DEFAULT_FILE, ['document: expected [document] with file = "docs/schema.md"']
    errors = [f'unknown key "document.{key}"; expected file' for key in value if key != "file"]
    file = value.get("file", DEFAULT_FILE)
    if not isinstance(file, str) or not file or "\0" in file:
        return DEFAULT_FILE, [*errors, f"document.file: {_EXPECTED}"]
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or not path.name:
        errors.append(f'document.file = "{file}": {_EXPECTED}')
    return file, errors


def document_file(root: Path) -> Path:
    """The absolute path of the documentation of the project whose pgmig.toml, if any, lies in `root`; where that says
    nothing, docs/schema.md. Raises ProjectError."""
    import tomllib

    path = root / "pgmig.toml"
    try:
        document = tomllib.loads(Inside(root).read(path, CONFIG_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        return root / DEFAULT_FILE
    except (OSError, ValueError) as error:
        raise ProjectError(f"{path} can't be read: {error}.") from None
    return root / read_document(document.get("document", {}))[0]
