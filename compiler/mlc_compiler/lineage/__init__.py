"""What flows into what, from a column of a dataset to the person who is woken: for people, and for what is proven."""
