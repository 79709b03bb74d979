"""A customer-service assistant: answers from its knowledge, and hands over what it cannot answer."""
