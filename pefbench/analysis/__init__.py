"""Analysis of many results: tables, checks, the report page and the choice of a method."""
