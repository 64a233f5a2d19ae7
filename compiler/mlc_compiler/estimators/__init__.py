"""What scikit-learn's estimators take and can do, by version, from generated tables: the compiler imports no library.

`tables/` holds one file a minor version, written by tools/estimator_tables.py from scikit-learn's own constraints.
"""
