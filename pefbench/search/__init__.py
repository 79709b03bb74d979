"""Finds the best setting of a method on one data set: Optuna proposes, workers train, a race over seeds decides."""
