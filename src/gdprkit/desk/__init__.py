"""People's ways in: the command line. It uses the face and the public modules only."""
