"""The record, the five verbs (fetch, clean, deduplicate, tag, write) and the nouns they use."""
