"""The MLflow side of the pipeline: only `track`, `promote` and `ui` import it, so training needs no tracking server."""
