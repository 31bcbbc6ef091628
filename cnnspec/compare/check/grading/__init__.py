"""What somebody's code gave, beside what the textbook gives."""
