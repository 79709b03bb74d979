"""The best setting of a method on one data set: Optuna proposes, worker processes train, a race over seeds decides."""
