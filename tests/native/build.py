"""Compile an extension module of one Cython file, as a project that uses fastcalc would:
``python build.py FILE FOLDER [INCLUDE]``. Declarations of fastcalc are found where Python finds the package.
"""

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Distribution, Extension

source, folder, *include = sys.argv[1:]
name = Path(source).stem
modules = cythonize(
    [Extension(name, [source])],
    build_dir=folder,
    include_path=include,
    compiler_directives={"language_level": 3, "boundscheck": False, "wraparound": False},
    quiet=True,
)
for module in modules:
    module.extra_compile_args = [] if sys.platform == "win32" else ["-O1", "-ffp-contract=off"]
command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
command.build_lib = command.build_temp = folder
command.ensure_finalized()
command.run()
