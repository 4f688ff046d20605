"""Deduplicate a JSONL file of {id, url, title, text, published} into JSONL of {id, cluster}, for eval/dedup.

python -m tests.benchmarks.run_deduplicate --in DOCS --out RESULT
"""

import argparse
import json
from pathlib import Path

from tests.benchmarks.adapters import deduplicate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in", dest="documents", type=Path, required=True)
    parser.add_argument("--out", dest="result", type=Path, required=True)
    arguments = parser.parse_args()
    with arguments.documents.open(encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines if line.strip()]
    clusters = deduplicate(documents)
    with arguments.result.open("w", encoding="utf-8") as out:
        for document_id, cluster in clusters.items():
            out.write(json.dumps({"id": document_id, "cluster": cluster}) + "\n")


if __name__ == "__main__":
    main()
