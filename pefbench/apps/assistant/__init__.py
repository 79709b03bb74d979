"""A customer-service assistant: answers from what it was given, and hands over what it cannot answer."""
