"""A PostgreSQL server of our own in a temporary folder, for tests and the campaign."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path


def binaries() -> Path | None:
    """Return where initdb and pg_ctl are, None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return places[-1].parent if places else None


class Server:
    """One cluster, with socket and data in a folder of its own. A server never runs as root."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="cm-pg-"))
        found = binaries()
        assert found is not None, "PostgreSQL is not installed"
        self.bin, self.folder = found, folder
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(folder, self.user)
            folder.chmod(0o711)
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync")
        self.start()

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def url(self, role: str = "postgres") -> str:
        """Return the address for a role."""
        return f"postgresql:///postgres?host={self.folder}&user={role}"

    def run(self, *command: str, check: bool = True) -> None:
        """Run one of PostgreSQL's programs as its user."""
        path = [str(self.bin / command[0]), *command[1:]]
        if os.geteuid() == 0:
            path = ["runuser", "-u", self.user, "--", *path]
        quiet = subprocess.DEVNULL
        subprocess.run(path, check=check, stdout=quiet, stderr=quiet, timeout=60, cwd="/")

    def start(self, *options: str) -> None:
        """Start it and wait until it answers."""
        given = f"-k {self.folder} -c listen_addresses='' -c max_connections=60 " + " ".join(
            # After a crash one sync of the file system instead of one for each of its files.
            ("-c recovery_init_sync_method=syncfs", *options)
        )
        log = str(self.folder / "log")
        start = ("pg_ctl", "-D", self.data, "-l", log, "-o", given, "-w", "-t", "30", "start")
        for _ in range(20):
            # A server that was killed may not have left yet.
            try:
                self.run(*start)
            except subprocess.CalledProcessError:
                time.sleep(0.2)
            else:
                return
        self.run(*start)

    def stop(self, mode: str = "fast") -> None:
        """Stop it; 'immediate' is a crash."""
        self.run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop", check=False)

    def limit(self, process: int, size: int | None) -> None:
        """Let a process of the server write no file beyond a size, as if the disk were full.

        process: int – its number, 0 for the first one, whose limit all later ones have.
        """
        if process == 0:
            process = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        most = "unlimited" if size is None else str(size)
        self.run(shutil.which("prlimit") or "prlimit", f"--pid={process}", f"--fsize={most}:")

    def remove(self) -> None:
        """Stop it and remove all it had."""
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def replica(self) -> "Server":
        """Return a running copy that follows this one."""
        folder = Path(tempfile.mkdtemp(prefix="cm-pg-"))
        if os.geteuid() == 0:
            shutil.chown(folder, self.user)
            folder.chmod(0o711)
        data = str(folder / "data")
        address = ["-h", str(self.folder), "-U", "postgres"]
        self.run("pg_basebackup", "-D", data, "-R", *address, "-c", "fast", "--no-sync")
        made = object.__new__(Server)
        made.bin, made.folder, made.user = self.bin, folder, self.user
        made.start()
        return made
