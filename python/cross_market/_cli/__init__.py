"""What the command line is made of; `cross_market.__main__` is where it begins."""
