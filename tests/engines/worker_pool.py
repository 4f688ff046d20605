"""A pool of Python SDK workers for `--environment_type=EXTERNAL`: one process for each worker an engine asks for.

    python -m tests.engines.worker_pool PORT

Beam's own pool (`apache_beam.runners.worker.worker_pool_main`) expects one pool beside each task manager: two that
share one both name their worker "1-1", the second takes the first's place in its books, and stopping one leaves the
other behind. It also starts whatever `python` comes first in the path, without the pipeline's options and without
state cache. Here every request gets its process, as Beam's container would start it; the process ends when the engine
closes its control channel, or with the pool.
"""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from apache_beam.portability.api import (
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
)
from google.protobuf import json_format

PROVISION_TIMEOUT_S = 60


class WorkerPool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """Starts a worker process for each request."""

    def StartWorker(
        self, request: beam_fn_api_pb2.StartWorkerRequest, context: grpc.ServicerContext
    ) -> beam_fn_api_pb2.StartWorkerResponse:
        worker = subprocess.Popen(
            [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"],
            env=os.environ | worker_environment(request),
            stdin=subprocess.DEVNULL,
        )
        print(f"worker {request.worker_id} of {request.control_endpoint.url}: process {worker.pid}", flush=True)
        threading.Thread(target=worker.wait, daemon=True).start()  # leaves no zombie
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(
        self, request: beam_fn_api_pb2.StopWorkerRequest, context: grpc.ServicerContext
    ) -> beam_fn_api_pb2.StopWorkerResponse:
        """Nothing to do: the worker meant ends with its control channel, and the name alone wouldn't tell which."""
        return beam_fn_api_pb2.StopWorkerResponse()


def worker_environment(request: beam_fn_api_pb2.StartWorkerRequest) -> dict[str, str]:
    """What Beam's worker program reads from its environment, asked of the engine that wants the worker."""
    address = request.provision_endpoint.url
    with grpc.insecure_channel(address) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        answer = service.GetProvisionInfo(
            beam_provision_api_pb2.GetProvisionInfoRequest(),
            timeout=PROVISION_TIMEOUT_S,
            metadata=[("worker_id", request.worker_id)],
        )
    return {
        "WORKER_ID": request.worker_id,
        "CONTROL_API_SERVICE_DESCRIPTOR": f'url: "{request.control_endpoint.url}"',
        "LOGGING_API_SERVICE_DESCRIPTOR": f'url: "{request.logging_endpoint.url}"',
        "RUNNER_CAPABILITIES": " ".join(answer.info.runner_capabilities),
        "PIPELINE_OPTIONS": json.dumps(json_format.MessageToDict(answer.info.pipeline_options)),
    }


def main() -> None:
    os.chdir("/")  # as in a container: not where the pipeline is started
    server = grpc.server(ThreadPoolExecutor(8))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(WorkerPool(), server)
    server.add_insecure_port(f"localhost:{int(sys.argv[1])}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
