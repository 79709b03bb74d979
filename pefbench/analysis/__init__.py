"""What results say together: tables, checks, the report page and the choice of a method."""
