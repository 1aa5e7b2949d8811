"""Lines as JSON, one object each, or as Markdown tables for docs/models.md."""

from __future__ import annotations

import json
from collections.abc import Iterable

from benchmarks.model_parts.judge import Line

HEAD = "| {} | Brier | log loss | AUC | calibration error | log loss, ours − theirs |"
TOLD = ("ours", "unit", "peer", "theirs", "ratio", "target", "holds", "missed", "chosen", "oracle_skill")
SAID = ("brier", "log_loss", "roc_auc", "calibration_error")


def printed(lines: Iterable[Line], markdown: bool) -> None:
    """Print each as soon as it is known."""
    before = None
    for line in lines:
        if not markdown:
            print(json.dumps(line), flush=True)
        elif "their_brier" in line:
            if line["name"] != before:
                print(f"\n{HEAD.format(line['name'])}\n|{'---|' * 6}")
            before = line["name"]
            print(_row(line), flush=True)
        else:
            print(_sentence(line), flush=True)


def _row(line: Line) -> str:
    cells = [_cell(line[f"their_{metric}"]) for metric in SAID]
    return f"| {line['peer']} | {' | '.join(cells)} | {_cell(line['log_loss_ours_minus_theirs'])} |"


def _cell(numbers: object) -> str:
    value, low, high = numbers if isinstance(numbers, list) else (0.0, 0.0, 0.0)
    return f"{value:.4f} ({low:.4f} to {high:.4f})"


def _sentence(line: Line) -> str:
    told = {name: line[name] for name in TOLD if line.get(name) not in (None, [])}
    return f"\n**{line['name']}**: " + "; ".join(f"{name} {value}" for name, value in told.items()) + "\n"
