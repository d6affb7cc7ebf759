"""What of the guidelines a project wants, as pgmig.toml says: `[lint]` with name, fail_on, baseline and severity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pgmig_tui.errors import ProjectError
from pgmig_tui.script.regular import CONFIG_BYTES, Inside

DEFAULT_NAME = "YYYYMMDD_NNNN_description"
"""The form of a change's name where pgmig.toml says none."""
_KEYS = ("name", "fail_on", "baseline", "severity")
SEVERITIES = ("info", "warning", "error")
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class LintSettings:
    """`name` is the form of a change's name, None = the default, "" = any. `severity` is that of rules by their codes,
    "off" = they aren't told. From `fail_on` on lint exits 3; `baseline` is a file of the project, "" = none."""

    name: str | None = None
    fail_on: str = "error"
    baseline: str = ""
    severity: Mapping[str, str] = field(default_factory=dict)


def read_lint(value: object) -> tuple[LintSettings, list[str]]:
    """The settings, and what is wrong with them, a sentence each. Whether there are such rules isn't known here."""
    if not isinstance(value, Mapping):
        return LintSettings(), ["write [lint], with one bracket"]
    errors = [f'unknown key "lint.{key}"; known: {", ".join(_KEYS)}' for key in value if key not in _KEYS]
    name = value.get("name")
    if name is not None and (not isinstance(name, str) or len(name) > _LONGEST_NAME):
        errors.append('lint.name: expected a form such as "YYYYMMDD_NNNN_description", or "" for any name')
        name = None
    fail_on = value.get("fail_on", "error")
    if fail_on not in SEVERITIES:
        errors.append(f"lint.fail_on: expected one of {', '.join(SEVERITIES)}")
        fail_on = "error"
    baseline = value.get("baseline", "")
    if not isinstance(baseline, str) or _leads_out(baseline):
        errors.append('lint.baseline: expected a path inside the project, as in baseline = "lint-baseline.json"')
        baseline = ""
    severity = value.get("severity", {})
    if not isinstance(severity, Mapping) or any(one not in (*SEVERITIES, "off") for one in severity.values()):
        errors.append(f'lint.severity: expected {{ rename = "error" }} and the like: {", ".join(SEVERITIES)} or off')
        severity = {}
    return LintSettings(name, str(fail_on), baseline, {str(key): str(one) for key, one in severity.items()}), errors


def _leads_out(path: str) -> bool:
    return bool(path) and ("\0" in path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts)


def lint_settings(root: Path) -> LintSettings:
    """Those of the pgmig.toml in `root`, if there is one; of a file in any folder no environment needs to be known.
    Raises ProjectError."""
    import tomllib

    path = root / "pgmig.toml"
    try:
        document = tomllib.loads(Inside(root).read(path, CONFIG_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        return LintSettings()
    except (OSError, ValueError) as error:
        raise ProjectError(f"{path} can't be read: {error}.") from None
    settings, errors = read_lint(document.get("lint", {}))
    if errors:
        raise ProjectError(f"{path}: {errors[0]}.", details=errors[1:], now="Nothing was looked at.")
    return settings
