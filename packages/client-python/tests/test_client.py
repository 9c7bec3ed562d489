"""The client against a running service (METAHEAC_URL, METAHEAC_API_KEY), through a proxy that loses answers.

    METAHEAC_URL=http://localhost:8080 PYTHONPATH=packages/client-python \\
        python3 -m unittest discover packages/client-python/tests
"""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
import threading
import typing
import unittest
import uuid
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from metaheac_client import ApiError, Client, ExpansionEnded, WebhookRefused, types, verify_webhook

URL = os.environ["METAHEAC_URL"]
KEY = os.environ.get("METAHEAC_API_KEY")
HOUR = {"status": 503, "retry-after": "3600"}
NOW = {"status": 503, "retry-after": "0"}
LOST = {"lost": True}


class Server(ThreadingHTTPServer):
    """A server of this machine that ends with the test; it keeps the requests."""

    def __init__(self, test: unittest.TestCase, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.seen: list[BaseHTTPRequestHandler] = []
        self.bodies: list[bytes] = []
        self.faults: list[dict] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        test.addCleanup(self.server_close)
        test.addCleanup(self.shutdown)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on, but refuses them or loses their answers as `faults` of the server says, one for each."""

    server: Server

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append(self)
        fault = self.server.faults.pop(0) if self.server.faults else {}
        if "status" in fault:
            self.send_response(fault["status"])
            self.send_header("retry-after", fault["retry-after"])
            self.send_header("content-length", "0")
            return self.end_headers()
        upstream = HTTPConnection(urlsplit(URL).netloc, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if "lost" in fault:
            return None
        self.send_response(answer.status)
        for name in ("content-type", "content-encoding"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if "cut" in fault else data)

    do_GET = do_POST = do_PUT = _pass

    def log_message(self, format: str, *_: object) -> None:
        pass


class Receiver(BaseHTTPRequestHandler):
    """Confirms webhook calls."""

    server: Server

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append(self)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:
        pass


class ClientTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client(URL, KEY)

    def proxied(self, *faults: dict) -> tuple[Client, Server]:
        server = Server(self, Proxy)
        server.faults = list(faults)
        return Client(server.url, KEY), server

    def test_creates_one_campaign_if_answers_are_lost(self) -> None:
        client, proxy = self.proxied(LOST, NOW, LOST)
        name = str(uuid.uuid4())
        created = client.create_campaign({"name": name, "seeds": None, "audience": {"size": 10}})
        self.assertEqual([found["id"] for found in self.client.iter_campaigns(search=name)], [created["id"]])
        self.assertEqual(len(proxy.seen), 4)
        self.assertEqual(len({request.headers["idempotency-key"] for request in proxy.seen}), 1)

    def test_does_not_repeat_what_would_be_created_twice(self) -> None:
        client, proxy = self.proxied(LOST)
        with self.assertRaises(ConnectionError):
            client.create_key({"name": "twice", "scope": "read"})
        self.assertEqual(len(proxy.seen), 1)

    def test_does_not_wait_an_hour(self) -> None:
        client, proxy = self.proxied(HOUR)
        with self.assertRaises(ApiError) as raised:
            client.get_current_key()
        self.assertEqual((raised.exception.status, len(proxy.seen)), (503, 1))

    def test_raises_problems(self) -> None:
        with self.assertRaises(ApiError) as raised:
            self.client.get_campaign("none/such?")
        error = raised.exception
        self.assertEqual((error.status, error.code), (404, "campaign_not_found"))
        self.assertEqual(error.request_id, error.problem["request_id"])
        if KEY:
            with self.assertRaises(ApiError) as raised:
                Client(URL, "a key that nobody has made").get_current_key()
            self.assertEqual(raised.exception.code, "unauthorized")

    def test_reads_pages_and_streams(self) -> None:
        seeds = self.client.sample_population(size=30)["user_ids"]
        campaign = self.client.create_campaign({"name": "pages", "seeds": seeds, "audience": {"size": 25}})
        id = self.client.wait_until_ready(campaign["id"], timeout=120)["id"]
        members = list(self.client.iter_audience(id, limit=10))
        self.assertEqual([member["rank"] for member in members], list(range(1, 26)))
        with self.client.get_audience_stream(id) as stream:
            self.assertEqual([member["user_id"] for member in stream.items()], [m["user_id"] for m in members])
        with self.client.get_audience_stream(id, accept="text/csv") as stream:
            self.assertEqual(len(list(stream)), 26)
        client, _ = self.proxied({"cut": True}, {"cut": True})
        with client.get_audience_stream(id) as stream, self.assertRaises(ConnectionError):
            list(stream)
        with client.get_customised_model_stream(id) as stream, self.assertRaises(ConnectionError):
            stream.save(os.devnull)
        self.assertIn(id, [change["campaign_id"] for page in self.client.follow_changes() for change in page["items"]])

    def test_uploads_files_and_says_why_there_is_no_audience(self) -> None:
        users = self.client.sample_population(size=3)["user_ids"]
        id = self.client.create_campaign({"name": "few", "seeds": None, "audience": {"size": 10}})["id"]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "seeds.txt.gz"
            path.write_bytes(gzip.compress("\n".join(users).encode()))
            client, proxy = self.proxied(LOST, NOW)
            self.assertEqual(client.replace_seeds(id, path, content_type="text/plain")["known"], 3)
            self.assertEqual(len(proxy.seen), 3)
        self.client.create_expansion(id)
        with self.assertRaises(ExpansionEnded) as raised:
            self.client.wait_until_ready(id)
        self.assertEqual(raised.exception.campaign["state"], "too_small")

    def test_accepts_only_signed_webhooks(self) -> None:
        receiver = Server(self, Receiver)
        webhook = self.client.create_webhook({"url": receiver.url})
        self.client.ping_webhook(webhook["id"])
        while not receiver.seen:
            threading.Event().wait(0.02)
        self.client.delete_webhook(webhook["id"])
        body, headers, secret = receiver.bodies[0], receiver.seen[0].headers, webhook["secret"]
        self.assertEqual(verify_webhook(body, headers, secret)["type"], "webhook.ping")
        sent = float(headers["webhook-timestamp"])
        unsigned = {"webhook-id": "a", "webhook-timestamp": "1"}
        for refused in [
            (body + b" ", headers, secret, sent),
            (body, headers, "whsec_" + "A" * 44, sent),
            (body, headers, secret, sent + 301),
            (body, unsigned, secret, 1.0),
        ]:
            with self.assertRaises(WebhookRefused):
                verify_webhook(*refused[:3], now=refused[3])

    def test_types_name_each_other(self) -> None:
        if sys.version_info >= (3, 11):
            for value in vars(types).values():
                if typing.is_typeddict(value):
                    typing.get_type_hints(value)


if __name__ == "__main__":
    unittest.main()
