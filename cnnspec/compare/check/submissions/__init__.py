"""A class of students: an assignment, a folder of submissions, and the grade of each."""
