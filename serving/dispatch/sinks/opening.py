"""A destination's sink by its kind."""

from __future__ import annotations

from serving.dispatch.clock import Clock
from serving.dispatch.outcome import Sink
from serving.dispatch.settings import Csv, Destination, Eml, Postgres
from serving.dispatch.sinks.csv_file import CsvSink
from serving.dispatch.sinks.letters import EmlSink
from serving.dispatch.sinks.table import TableSink
from serving.dispatch.sinks.webhook import WebhookSink
from serving.settings import Places


def open_sink(lane: Destination, places: Places, now_us: Clock) -> Sink:
    """Ready to deliver; raises ConfigError when a secret is missing."""
    if isinstance(lane, Csv):
        return CsvSink(places.home / lane.path)
    if isinstance(lane, Eml):
        return EmlSink(lane, places.home / lane.path, now_us)
    return TableSink(lane) if isinstance(lane, Postgres) else WebhookSink(lane)
