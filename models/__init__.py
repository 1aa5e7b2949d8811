"""Churn models: one estimator per file, calibrated, chosen by backtest, stored without pickle."""
