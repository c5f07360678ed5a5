"""The package's lawbook, read once by a process of tests: it takes a second."""

from functools import cache

from tutela.law.book import Lawbook
from tutela.law.loading import load_lawbook


@cache
def own_lawbook() -> Lawbook:
    """What `load_lawbook` gives; nothing in it can be changed by a test."""
    return load_lawbook()
