"""Entry point of `newsbeam` and `python -m pipeline`; nothing else, for what stands here is pickled by value."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
