"""Making a file's name last as its bytes do.

Decides nothing but how a folder is synced: a new file, or one that took another's place, is lost
with the power unless the folder that names it was written too. Always true: where a system cannot
open folders, nothing is done and nothing is raised.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["sync_folder"]


def sync_folder(folder: Path) -> None:
    """Wait until *folder* names on the disk what it names now.

    Raises:
        OSError: the folder is gone, or the disk does not work.
    """
    try:
        opened = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
