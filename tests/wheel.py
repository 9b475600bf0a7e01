"""What a user gets who has no Rust: the wheel alone in an empty environment, nothing else on PATH.

usage: wheel.py FOLDER_OF_THE_WHEEL NEW_ENVIRONMENT
"""

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(wheels: Path, place: Path) -> None:
    """Install the one wheel, run what the README shows and the demo."""
    [wheel] = wheels.glob("*.whl")
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=True)
    place = place.resolve()
    python, env = place / "bin/python", {"PATH": f"{place}/bin", "HOME": str(place)}

    def run(*command: object) -> None:
        # -I and an empty folder: neither the checkout nor the caller's settings can help.
        subprocess.run([str(each) for each in command], check=True, cwd=place, env=env)

    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*map(str, pip), f"{wheel}[cli,demo,report]"], check=True)
    if shutil.which("cargo", path=env["PATH"]):
        sys.exit("wheel: cargo is on the PATH of the check")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for example in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        run(python, "-I", "-c", example)
    run(place / "bin/cross-market", "demo", "--days", "250")
    installed = sum(
        file.stat().st_size for file in place.glob("lib/*/site-packages/cross_market/**/*")
    )
    print(f"FIGURE wheel bytes={wheel.stat().st_size} installed_bytes={installed}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
