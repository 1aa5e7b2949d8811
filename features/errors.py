"""Errors a user can act on; everything else is a bug and keeps its traceback.

RekindleError            printed without a traceback, exit code 1
├── ConfigError          params.yaml or the environment says something impossible
├── SourceError          the shop's data cannot be read: missing file, column, table, login
├── DataError            the data was read but cannot support what was asked
├── ModelError           a model cannot be fitted, loaded or trusted
├── TrackingError        the tracking server or registry does not answer
└── ServingError         the endpoint or the outbox cannot do its work

A message says what, where, how many, and what to do now.
"""

from __future__ import annotations


class RekindleError(Exception):
    """Base of every error that is the user's to solve."""


class ConfigError(RekindleError):
    """`params.yaml` or the environment says something impossible."""


class SourceError(RekindleError):
    """The shop's data cannot be read."""


class DataError(RekindleError):
    """The data was read, but cannot support what was asked."""


class ModelError(RekindleError):
    """A model cannot be fitted, loaded or trusted."""


class TrackingError(RekindleError):
    """The tracking server or the model registry does not answer."""


class ServingError(RekindleError):
    """The endpoint or the outbox cannot do its work."""
