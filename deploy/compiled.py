"""A build hook: with `ROUTEIQ_COMPILE=1` the wheel is a compiled one.

The modules of `compiled.txt`, which every request passes, stand in it as C that mypyc
made of them, beside their sources; it fits one platform and one Python. Without the
variable nothing of this happens, and the wheel is pure.
"""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SWITCH: Final = "ROUTEIQ_COMPILE"
LEVEL: Final = "ROUTEIQ_COMPILE_LEVEL"
"""Of the C compiler's optimization: 3, unless a quick build is all that is wanted."""
TOOLS: Final = ("mypy==2.4.1", "setuptools==84.2.1")
"""What compiles. mypyc comes with mypy: the one that the tests have run with."""


class Compiled(BuildHookInterface):  # type: ignore[type-arg]
    """Adds what was compiled to the wheel."""

    def dependencies(self) -> list[str]:
        """The compiler, and everything whose types it reads."""
        return [*TOOLS, *self.metadata.core.dependencies] if _wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name what was made."""
        if not _wanted() or version == "editable":
            return
        self._folder = TemporaryDirectory()
        made = Path(self._folder.name)
        # In a process of its own: mypyc and setuptools change the one they run in.
        script = Path(self.root) / "deploy" / "compiling.py"
        level = os.environ.get(LEVEL, "3")
        subprocess.run([sys.executable, script, made, level], cwd=self.root, check=True)
        for path in (made / "lib").rglob("*.*"):
            place = path.relative_to(made / "lib").as_posix()
            build_data["force_include"][str(path)] = place
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], path: str) -> None:
        """Leave nothing behind."""
        if not build_data["pure_python"]:
            self._folder.cleanup()


def _wanted() -> bool:
    return os.environ.get(SWITCH, "0") not in {"", "0"}
