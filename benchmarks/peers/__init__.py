"""What Topcoat is measured beside."""
