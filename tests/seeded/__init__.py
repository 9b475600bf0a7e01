"""The test of the tests: bugs that are known, put in one by one, and what finds each."""
