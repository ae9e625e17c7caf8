"""The refresh of raw source tables, step by step: the one way in to the modules that load the engine."""
