"""The four audiences, a folder each."""
