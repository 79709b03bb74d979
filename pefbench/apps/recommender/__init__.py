"""A recommender: what somebody takes next, from the texts of what they took."""
