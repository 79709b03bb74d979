"""The opinion monitor: dated texts are classified and counted; a surge of negative opinion is an alert, sent once."""
