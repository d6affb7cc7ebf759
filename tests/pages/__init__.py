"""The pages of the documentation that are made of the program itself: `python -m tests.pages` writes them all."""
