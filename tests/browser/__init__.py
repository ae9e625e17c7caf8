"""The card and the pages as people meet them: in a real browser, at a real service."""
