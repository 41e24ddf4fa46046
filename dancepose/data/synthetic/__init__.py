"""Labelled dance scenes, drawn: bodies, motion, scenes, and the data sets written of them."""
