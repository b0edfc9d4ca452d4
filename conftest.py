"""Loaded for the notebooks as for tests/, since it stands above both."""
pytest_plugins = ["tests.nbval_glue"]
