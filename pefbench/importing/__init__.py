"""What libraries import at once and few need, imported when it is used."""
