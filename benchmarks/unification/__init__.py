"""What making profiles out of raw tables takes, beside what reading, joining and loading the same rows takes."""
