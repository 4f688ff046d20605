"""The built-in lexicons, package data read by `transforms.wordlists`; a user's overlay folders have the same layout."""
