"""What a child process has loaded before its first task: parsers, models and rule files.

The server process that children are forked from imports this module once; a new child, also one that replaces a killed
one, shares it all and is ready at once.
"""

import gc

import transforms.allocator
import transforms.extraction
import transforms.feeds
import transforms.settings
import transforms.taggers

transforms.allocator.hand_back_memory()
transforms.extraction.warm()
transforms.taggers.load_taggers(transforms.settings.TagSettings())
gc.freeze()  # what is loaded stays: no collection in a child touches, and so copies, the shared pages
