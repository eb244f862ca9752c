"""What every folder may use: checks of arguments, files, progress bars."""
