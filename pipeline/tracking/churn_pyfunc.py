"""The model as MLflow loads it: code and data files, no pickle; `predict` returns churn probabilities, not classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from models.scorer import Scorer


class ChurnModel(PythonModel):  # type: ignore[misc]
    """Feature rows in, one `churn_probability` each out, through the scorer that the endpoint and `score` use."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the scorer from the model's folder."""
        self.scorer = Scorer.load(Path(*context.artifacts.values()))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG002
        """Probabilities of no order in the horizon. MLflow passes the context; it was needed only once, above."""
        columns = list(self.scorer.feature_columns)
        values = model_input[columns].to_numpy(dtype=np.float64)
        return pd.DataFrame({"churn_probability": self.scorer.churn_probability(values)})


set_model(ChurnModel())
