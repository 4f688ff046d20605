"""Airflow 3 (tried with 3.3): a run every ten minutes on a worker that has newsbeam installed and sees the dataset.

The report of the run is the task's return value, so later tasks can read it. Not needed for newsbeam itself: Airflow.
"""

import json
import subprocess
from datetime import datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

COMMAND = ["/srv/newsbeam/.venv/bin/newsbeam", "run", "configs/world.toml", "--strict", "--json", "--quiet"]
HOME = "/srv/newsbeam"


@dag(
    schedule=timedelta(minutes=10),
    start_date=datetime(2026, 1, 1),
    catchup=False,  # feeds cannot be polled in the past
    max_active_runs=1,
)
def newsbeam():
    @task(retries=2, retry_delay=timedelta(minutes=2), execution_timeout=timedelta(hours=2))
    def run() -> dict:
        process = subprocess.Popen(COMMAND, cwd=HOME, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
        try:
            output, _ = process.communicate()
        except BaseException:  # the task is being stopped: let the run commit what is finished
            process.terminate()
            process.wait(timeout=45)
            raise
        match process.returncode:
            case 0:
                return json.loads(output)
            case 75:
                raise AirflowSkipException("another run holds the dataset")
            case 2:
                raise AirflowFailException("usage or config: see the log")  # a retry would not help
            case 3:
                raise AirflowFailException(f"committed, but an alarm fired: {json.loads(output)['alarms']}")
            case code:
                raise AirflowException(f"the run ended with {code}")  # retried: it picks up where it stopped

    run()


newsbeam()
