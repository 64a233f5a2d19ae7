"""Learning: encoding, estimators, search, operating point, evaluation and importances."""
