"""Topcoat: live data over the last refresh of a customer 360."""

__version__ = "0.1.0"
