"""A class of students: one table, one document, one page for all and one for each."""
