"""The limits in C, built on use for the interpreter that runs."""

import importlib.util
import os
import shutil
import subprocess
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(__file__).with_name("limits.c")
FLAGS = ["-O3", "-march=native", "-shared", "-fPIC"]


def compiler() -> str | None:
    """Return the C compiler of this machine, None when it has none."""
    return shutil.which(os.environ.get("CC", "cc"))


@lru_cache(maxsize=1)
def limits() -> ModuleType:
    """Return the extension module, newly built where its source is newer."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    built = ROOT / "target" / "benches" / f"limits_ext{suffix}"
    if not built.exists() or built.stat().st_mtime < SOURCE.stat().st_mtime:
        cc = compiler()
        if cc is None:
            message = "the limits need a C compiler: none is named by CC, and there is no cc"
            raise RuntimeError(message)
        built.parent.mkdir(parents=True, exist_ok=True)
        part = built.with_suffix(f".{os.getpid()}")
        include = f"-I{sysconfig.get_paths()['include']}"
        subprocess.run([cc, *FLAGS, include, str(SOURCE), "-o", str(part)], check=True)
        part.replace(built)
    spec = importlib.util.spec_from_file_location("limits_ext", built)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
