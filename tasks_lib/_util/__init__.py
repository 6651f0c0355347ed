"""Machinery without a word of the field: names, ids, text."""
