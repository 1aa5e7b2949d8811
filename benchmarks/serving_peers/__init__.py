"""The endpoint beside the servers people would write instead: same model, same columns, same machine, same run."""
