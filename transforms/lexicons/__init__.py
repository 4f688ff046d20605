"""The built-in lexicons and rule files, package data; a user's overlay folders have the same layout.

Word lists are read by `transforms.wordlists`, rule files (TOML) by `read_toml`.
"""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

BUILT_IN = Path(str(resources.files(__name__)))


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a rule file; raises OSError or ValueError (`tomllib.TOMLDecodeError`) for one that is none."""
    return tomllib.loads(path.read_text("utf-8"))
