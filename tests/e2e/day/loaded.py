"""A program that has loaded what `pausewire notify` needs, and forks a process for each line it reads.

Run as a module. In: lines of JSON, `{"arguments", "environment", "folder", "log"}`. Out: a line with the
process's number for each. No connection, thread or setting is there before the fork: a process begins as
one that was started from its file, only without a second and more of loading.
"""

import gc
import importlib
import json
import os
import sys
import traceback
from contextlib import suppress
from typing import Any

from babel.support import NullTranslations
from jinja2 import FileSystemLoader

from notifier.rendering import TEMPLATES
from notifier.templating import speaking

_LOADED = (
    "cli.main",
    "cli.processes",
    "cli.notifying",
    "dramatiq.brokers.redis",
    "dramatiq.brokers.rabbitmq",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "alembic.command",
    "apprise.plugins.ntfy",
    "jinja2.ext",
    "pprint",
)


def serve() -> None:
    """Fork until there is no more to read."""
    for name in _LOADED:
        importlib.import_module(name)
    _compile_templates()
    gc.freeze()
    for line in iter(sys.stdin.readline, ""):
        _bury()
        number = os.fork()
        if not number:
            _become(json.loads(line))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def _compile_templates() -> None:
    """What letters are made of, whatever the language."""
    for folder in ("2", "contacts"):
        letters = speaking(FileSystemLoader(TEMPLATES / folder), NullTranslations())
        for name in letters.list_templates():
            letters.get_template(name)


def _bury() -> None:
    """Let go of processes that have ended; how, their logs say."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become(wanted: dict[str, Any]) -> None:
    """Be that command, to its end."""
    code = 1
    try:
        log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(source, target)
        os.chdir(wanted["folder"])
        os.environ.clear()
        os.environ.update(wanted["environment"])
        sys.argv = ["pausewire", *wanted["arguments"]]
        from cli.main import main

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 # whatever ends a process is to be read in its log
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
