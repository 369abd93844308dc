from adapters.providers.table import PROVIDERS, find, serving

__all__ = ["PROVIDERS", "find", "serving"]
