"""Tutela: one mechanism that finds, decides, reports, removes, preserves and proves."""

__version__ = "0.1.0"
