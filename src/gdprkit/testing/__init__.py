"""Test kits for those who implement a store or embed the library.

Nothing in ``gdprkit`` imports from here, but for the command that runs scenario files. Each module
is imported by its name; there is no plugin.
"""

__all__: list[str] = []
