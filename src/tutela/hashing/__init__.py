"""Hashes of pictures and videos, and the digests of files.

“The reference” in this room is PyPI's `pdqhash` 0.2.8: Meta's C++ library (facebook/ThreatExchange,
pdq/cpp) given a picture at its own size. Meta's command-line tool reduces large pictures before it
hashes and so gives other hashes.
"""
