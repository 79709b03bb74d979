"""The documentation: pages, and the code that writes what can be read off the project."""
