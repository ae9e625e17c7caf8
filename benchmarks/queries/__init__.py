"""Merged reads at scale: Topcoat, the snapshot alone and a merging view, asked the same."""
