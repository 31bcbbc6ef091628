"""The exit codes of the command line; 0 is that all is well."""

from __future__ import annotations

DIFFERENT = 1
BAD_INPUT = 2
INTERNAL_ERROR = 70
INTERRUPTED = 130
