"""Topcoat: live data over the last refresh of a customer 360."""
