"""The picture of the report that the README shows: of an invented news world, by the system's Chromium.

python -m tests.benchmarks.report_picture data/sample/report.png
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from pipeline.report_page import write_report
from tests.benchmarks.invented_dataset import write_dataset
from tests.browser import FLAGS, chromium_path, file_address

WIDTH, HEIGHT = 1240, 1480


def main() -> None:
    picture = Path(sys.argv[1])
    chromium = chromium_path()
    if chromium is None:
        sys.exit("report_picture: no chromium on this machine")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        root = Path(temporary) / "news"
        write_dataset(root, articles=9_000, days=60)
        write_report(root, root / "report.html")
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(file_address(root / "report.html"))
        page.wait_for_selector("html[data-drawn=yes]", state="attached")
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main()
