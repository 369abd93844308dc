from adapters.providers.table import PROVIDERS, find

__all__ = ["PROVIDERS", "find"]
