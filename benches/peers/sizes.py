"""W10: the time of the import, the memory it holds, and the MiB installed, beside the peers'.

A small process of its own: children begin with the memory of who starts them.
"""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import imports

# What is imported, and the distribution that it comes in.
MODULES = {
    "cross_market": "cross_market",
    "nautilus_trader.backtest.engine": "nautilus_trader",
    "hftbacktest": "hftbacktest",
    "vnpy_spreadtrading.base": "vnpy_spreadtrading",
    "polars_order_book": "polars_order_book",
    "order_book": "order_book",
    "sortedcontainers": "sortedcontainers",
    "numpy": "numpy",
}


def installed(distribution: str) -> float:
    """Return what a distribution has installed, in MiB, without what it depends on."""
    files = importlib.metadata.files(distribution) or []
    paths = (Path(str(each.locate())) for each in files)
    return sum(path.stat().st_size for path in paths if path.is_file()) / 2**20


def main() -> None:
    print("import: seconds and MiB of memory above an empty process; MiB installed by itself")
    for module, distribution in MODULES.items():
        try:
            seconds, mib = imports.measured(module)
            size = installed(distribution)
        except (subprocess.CalledProcessError, importlib.metadata.PackageNotFoundError) as error:
            print(f"not measured: {distribution}: {type(error).__name__}")
            continue
        values = f"seconds={seconds:.4f} rss_mib={mib:.1f} installed_mib={size:.1f}"
        print(f"FIGURE peers.W10.{distribution} {values}")
    for wheel in sys.argv[1:]:
        print(f"FIGURE bench.W10.wheel mib={Path(wheel).stat().st_size / 2**20:.2f}")


if __name__ == "__main__":
    main()
