"""The parts of the report: facts from the tables, evidence from the JSON files, charts, and the page."""
