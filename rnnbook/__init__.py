"""Chapter 16 of Python Machine Learning, 2nd edition, as a library."""
