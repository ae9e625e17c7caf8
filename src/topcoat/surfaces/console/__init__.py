"""The console: what developers and whoever runs the service look at, and try, at `/`."""
