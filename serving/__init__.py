"""The scoring endpoint and the decisions: which customer, what, when."""
