"""``python -m gdprkit`` and ``gdprkit`` are the same command; it comes with the extra ``desk``."""

from __future__ import annotations

import sys

from gdprkit.errors import MissingExtra

__all__ = ["main"]


def main() -> None:
    """Run the command line.

    Without the extra ``desk`` one line says how to install it, and the exit code is 2.
    """
    try:
        from gdprkit.desk.cli import cli
    except ModuleNotFoundError as error:
        wanted = (error.name or "").partition(".")[0]
        if wanted not in {"click", "rich"}:
            raise
        sys.stderr.write(f"{MissingExtra('desk', 'the gdprkit command')}\n")
        sys.exit(2)
    cli(prog_name="gdprkit")


if __name__ == "__main__":
    main()
