"""A copy of the sources in which bugs are put, with a build folder of its own."""

import os
import shutil
import subprocess
from pathlib import Path

from seeded.bugs import Bug, edited


class Tree:
    """The copy; only what differs is written, so that builds stay incremental."""

    def __init__(self, source: Path, place: Path) -> None:
        """Copies nothing yet: see clean and infect."""
        self.source = source
        self.root = place / "tree"
        self.build = place / "build"

    def clean(self) -> None:
        """Make the copy equal to the sources."""
        self._write({})

    def infect(self, bug: Bug) -> None:
        """Make the copy equal to the sources with one bug in them."""
        self._write(edited(bug, self.source))

    def _write(self, instead: dict[str, str]) -> None:
        names = self._names()
        for name in names:
            there = self.source / name
            text = instead.get(name)
            data = there.read_bytes() if text is None else text.encode()
            target = self.root / name
            if not target.is_file() or target.read_bytes() != data:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                shutil.copymode(there, target)
        known = set(names)
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and path.relative_to(self.root).as_posix() not in known:
                path.unlink()

    def _names(self) -> list[str]:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        told = subprocess.run(command, cwd=self.source, check=True, capture_output=True)
        names = [name for name in told.stdout.decode().split("\0") if name]
        return [name for name in names if (self.source / name).is_file()]

    def run(self, command: list[str], seconds: float, **more: str) -> tuple[int | None, str]:
        """Run a command in the copy; returns its exit code, None after so many seconds, and what
        it printed."""
        environment = os.environ | {"CARGO_TARGET_DIR": str(self.build), "NO_COLOR": "1"} | more
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            printed, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            # What it started ends with it.
            os.killpg(process.pid, 9)
            printed, _ = process.communicate()
            return None, printed
        return process.returncode, printed
