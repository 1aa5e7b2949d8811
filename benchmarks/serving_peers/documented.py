"""The peer BentoML's and MLflow's documentation lead to: a DataFrame in, the model as MLflow's pyfunc."""

from __future__ import annotations

import os

import bentoml
import mlflow
import pandas as pd


@bentoml.service(name="Documented", http={"host": "127.0.0.1"})
class Documented:
    """The documented way."""

    def __init__(self) -> None:
        self.model = mlflow.pyfunc.load_model(os.environ["REKINDLE_BENCH_PYFUNC"])

    @bentoml.api
    def score(self, rows: pd.DataFrame) -> list[float]:
        """P(churned) of each row."""
        return [float(one) for one in self.model.predict(rows.astype("float64"))]
