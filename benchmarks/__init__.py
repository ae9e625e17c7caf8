"""Side-by-side figures, measured from outside over real sockets: `python -m benchmarks --help`."""
