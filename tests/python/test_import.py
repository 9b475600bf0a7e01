"""Importing the package does nothing else: no file, no thread, no global is touched."""

import json
import subprocess
import sys

# Run in a fresh interpreter: what is there before and after, and what was opened in between.
PROGRAM = """
import json, sys
opened, events = [], []
watching = [True]

def watch(event, arguments):
    if not watching[0]:
        return
    if event == "open":
        opened.append(str(arguments[0]))
    elif event.split(".")[0] in ("socket", "subprocess", "os", "shutil", "tempfile", "signal"):
        events.append(event)

import atexit, decimal, gc, locale, logging, os, random, signal, threading, warnings

def state():
    context = decimal.getcontext()
    return {
        "threads": threading.active_count(),
        "cwd": os.getcwd(),
        "environment": dict(os.environ),
        "umask": os.umask(os.umask(0o22)),
        "signals": [str(signal.getsignal(each)) for each in signal.valid_signals()],
        "locale": [locale.setlocale(each) for each in (locale.LC_ALL, locale.LC_NUMERIC)],
        "warnings": repr(warnings.filters),
        "showwarning": repr(warnings.showwarning),
        "handlers": [repr(each) for each in logging.root.handlers],
        "level": logging.root.level,
        "disabled": logging.root.manager.disable,
        "logger": repr(logging.getLoggerClass()),
        "loggers": {
            name: [type(handler).__name__ for handler in getattr(logger, "handlers", [])]
            for name, logger in logging.root.manager.loggerDict.items()
            if name.startswith("cross_market")
        },
        "decimal": [context.prec, context.rounding, repr(context.traps)],
        "random": hash(random.getstate()),
        "hooks": [repr(sys.excepthook), repr(sys.displayhook), repr(threading.excepthook)],
        "recursion": sys.getrecursionlimit(),
        "digits": sys.get_int_max_str_digits(),
        "switch": sys.getswitchinterval(),
        "collector": [gc.isenabled(), gc.get_threshold()],
        "path": list(sys.path),
        "path_hooks": repr(sys.path_hooks),
        "meta_path": repr(sys.meta_path),
        "trace": [repr(sys.gettrace()), repr(sys.getprofile())],
    }

state()
before = state()
sys.addaudithook(watch)
import cross_market
watching[0] = False
after = state()
print(json.dumps({
    "changed": {key: [before[key], after[key]] for key in before if before[key] != after[key]},
    "opened": opened,
    "events": sorted(set(events)),
    "modules": sorted(sys.modules),
}))
"""
HEAVY = ("numpy", "pyarrow", "pandas", "rich", "plotly", "jinja2", "pytest", "asyncio", "tomllib")


def imported() -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_import_changes_nothing_and_reads_only_modules() -> None:
    found = imported()
    changed = found["changed"]
    assert isinstance(changed, dict)
    loggers = changed.pop("loggers", [{}, {}])
    assert all(set(names) <= {"NullHandler"} for names in loggers[1].values())
    assert changed == {}
    opened = found["opened"]
    assert isinstance(opened, list)
    assert [each for each in opened if not each.endswith((".py", ".pyc", ".so", ".pyd"))] == []
    # Looking for modules lists folders; nothing else is asked of the system.
    events = found["events"]
    assert isinstance(events, list)
    assert set(events) <= {"os.listdir"}
    modules = found["modules"]
    assert isinstance(modules, list)
    assert [each for each in HEAVY if each in modules] == []


def test_the_package_prints_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", "import cross_market"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout + done.stderr == ""
