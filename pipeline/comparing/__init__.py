"""Two runs side by side, from what they left in the tracking store; no MLflow and no file here but the templates."""
