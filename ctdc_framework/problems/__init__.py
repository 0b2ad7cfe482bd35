"""What is wrong with a file or a request: one message, its place and its remedy."""
