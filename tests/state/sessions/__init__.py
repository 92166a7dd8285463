"""Session files: values that go into one, and what is wrong with others."""
