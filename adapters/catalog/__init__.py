from adapters.catalog.form import Document, Source, priced
from adapters.catalog.lookup import Catalog, ModelFacts
from adapters.catalog.price import PICO_PER_NANO, Price, Rates, Tier, cost_nano, drawn
from adapters.catalog.reading import BadCatalog, read, write

__all__ = [
    "PICO_PER_NANO",
    "BadCatalog",
    "Catalog",
    "Document",
    "ModelFacts",
    "Price",
    "Rates",
    "Source",
    "Tier",
    "cost_nano",
    "drawn",
    "priced",
    "read",
    "write",
]
