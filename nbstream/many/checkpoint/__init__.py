"""What is kept of maps and their answers, in one SQLite file."""
