"""A recommender: predicts what a user takes next, from the texts of what they took."""
