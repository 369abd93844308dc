"""The modules of `compiled.txt` -> extension modules: `compiling.py FOLDER LEVEL`.

Run in the root of the sources; leaves what it made in `FOLDER/lib`.
"""

import sys
from pathlib import Path
from typing import Final

from mypyc.build import include_dir, mypycify
from setuptools import Distribution
from setuptools.command.build_ext import build_ext

LIST: Final = Path(__file__).with_name("compiled.txt")


def compile_into(folder: Path, level: str) -> None:
    """Make them, by mypyc and the C compiler, optimized to that level."""
    extensions = mypycify(
        LIST.read_text().split(),
        opt_level=level,
        group_name="routeiq",
        target_dir=str(folder / "c"),
    )
    mended = mend(Path(include_dir()), folder / "mended")
    for extension in extensions:
        extension.include_dirs.insert(0, str(mended))
    command = build_ext(Distribution({"name": "routeiq", "ext_modules": extensions}))
    command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "o")
    command.ensure_finalized()
    command.run()


def mend(library: Path, folder: Path) -> Path:
    """A folder to be looked into before mypyc's own, with a part of it mended: where a
    slice of bytes ends before it begins, Python gives nothing, and mypyc an error."""
    wrong = "Py_ssize_t slice_len = endn - startn;"
    source = (library / "bytes_ops.c").read_text()
    if source.count(wrong) != 1:
        sys.exit("compiling.py: this mypyc slices bytes in a way that is not known")
    folder.mkdir()
    right = "Py_ssize_t slice_len = endn > startn ? endn - startn : 0;"
    (folder / "bytes_ops.c").write_text(source.replace(wrong, right))
    return folder


if __name__ == "__main__":
    compile_into(Path(sys.argv[1]), sys.argv[2])
