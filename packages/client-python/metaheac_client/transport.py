"""Requests to the service: time-outs, the API key, retries, errors and streams."""

from __future__ import annotations

import gzip
import io
import json
import random
import time
import uuid
from contextlib import contextmanager
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, TypeVar, Union
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

T = TypeVar("T")

Body = Union[bytes, str, Path]
"""An upload: text, or a file, which is streamed. A file whose name ends in .gz is sent as gzip."""

_RETRIED = {429, 502, 503, 504}
"""Answers that say "not now"."""
_LONGEST_WAIT_SECONDS = 60
"""A longer `Retry-After` is the caller's business."""


class ApiError(Exception):
    """The service refused a request (RFC 9457). `code` is stable; `problem` has all fields of the answer."""

    def __init__(self, status: int, headers: Message, body: bytes) -> None:
        try:
            problem = json.loads(body)
        except ValueError:
            problem = None
        self.status = status
        self.headers = headers
        self.problem: dict[str, Any] = problem if isinstance(problem, dict) else {}
        self.code: str | None = self.problem.get("code")
        self.request_id: str | None = headers.get("x-request-id")
        detail = self.problem.get("detail") or self.problem.get("title") or body[:200].decode(errors="replace")
        super().__init__(f"{status} {self.code or 'error'}: {detail}")


class Stream:
    """An open response of any size. Iterating yields lines; a stream that ends early raises ConnectionError."""

    def __init__(self, response: HTTPResponse) -> None:
        self.headers = response.headers
        self._response = response
        is_gzip = response.headers.get("content-encoding") == "gzip"
        self._file: Any = gzip.GzipFile(fileobj=response) if is_gzip else response

    def __iter__(self) -> Iterator[str]:
        """Yield the lines without their ends."""
        with self._complete():
            for line in io.TextIOWrapper(self._file, "utf-8", newline="\n"):
                yield line.rstrip("\r\n")

    def items(self) -> Iterator[Any]:
        """Yield the values of NDJSON."""
        return (json.loads(line) for line in self)

    def read(self) -> bytes:
        with self._complete():
            return self._file.read()

    def save(self, path: str | Path) -> None:
        """Write everything to a file."""
        with self._complete(), open(path, "wb") as file:
            while chunk := self._file.read(1 << 16):
                file.write(chunk)

    def close(self) -> None:
        self._response.close()

    @contextmanager
    def _complete(self) -> Iterator[None]:
        try:
            yield
        except (HTTPException, EOFError) as error:
            raise ConnectionError("the response ended early") from error
        # http.client reports a short body only if all of it is read at once
        if self._response.length:
            raise ConnectionError("the response ended early")

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Transport:
    """Sends requests. A request is repeated if the service is busy or cannot be reached and repeating it is safe."""

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 60, retries: int = 5) -> None:
        """Make a client of the service at `url`; `timeout` is the longest silence of the service in seconds."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"the URL of the service begins with http:// or https://, not {url!r}")
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = timeout
        self._retries = retries
        self._opener: OpenerDirector = build_opener(_NoRedirects)

    def _call(self, method: str, route: str, **given: Any) -> Any:
        def read(response: HTTPResponse) -> Any:
            with response:
                data = response.read()
            return json.loads(data) if data else None

        return self._request(read, method, route, **given)

    def _stream(self, method: str, route: str, **given: Any) -> Stream:
        return self._request(Stream, method, route, **given)

    def _items(self, page: Callable[..., Any], *ids: Any, cursor: str | None, **query: Any) -> Iterator[Any]:
        while True:
            got = page(*ids, cursor=cursor, **query)
            yield from got["items"]
            cursor = got["next_cursor"]
            if cursor is None:
                return

    def _request(
        self,
        read: Callable[[HTTPResponse], T],
        method: str,
        route: str,
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        is_repeatable: bool = True,
    ) -> T:
        segments = {name: quote(str(value), safe="") for name, value in (path or {}).items()}
        url = self._url + route.format(**segments) + _query(query or {})
        sent = {**self._headers, "Accept": accept}
        if accept != "application/json":
            sent["Accept-Encoding"] = "gzip"
        sent.update({name: value for name, value in (headers or {}).items() if value is not None})
        if headers and "idempotency-key" in headers:
            # one key for all attempts, so that a request whose answer was lost creates nothing twice
            sent.setdefault("idempotency-key", str(uuid.uuid4()))
        if body is not None:
            sent["Content-Type"] = content_type
        for attempt in range(self._retries + 1):
            try:
                return self._attempt(read, Request(url, method=method, headers=sent), body)
            except ApiError as error:
                wait = _wait(attempt, error.headers.get("retry-after"))
                is_retried = error.status == 429 or (is_repeatable and error.status in _RETRIED)
                if not is_retried or attempt == self._retries or wait > _LONGEST_WAIT_SECONDS:
                    raise
            except (OSError, HTTPException):
                wait = _wait(attempt, None)
                if not is_repeatable or attempt == self._retries:
                    raise
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, read: Callable[[HTTPResponse], T], request: Request, body: Any) -> T:
        file = None
        if isinstance(body, Path):
            request.data = file = body.open("rb")
            request.add_header("Content-Length", str(body.stat().st_size))
            if body.suffix == ".gz":
                request.add_header("Content-Encoding", "gzip")
        elif body is not None:
            text = body if isinstance(body, (bytes, str)) else json.dumps(body)
            request.data = text.encode() if isinstance(text, str) else text
        try:
            return read(self._opener.open(request, timeout=self._timeout))
        except HTTPError as error:
            with error:
                raise ApiError(error.code, error.headers, error.read()) from None
        finally:
            if file:
                file.close()


class _NoRedirects(HTTPRedirectHandler):
    """The service does not redirect, and a key must not follow to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _query(query: Mapping[str, Any]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    text = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    return f"?{urlencode(text, doseq=True)}" if text else ""


def _wait(attempt: int, retry_after: str | None) -> float:
    """Seconds until the next attempt: what the service asks for, otherwise twice as long each time, at most 8."""
    if retry_after is not None and retry_after.isdigit():
        return float(retry_after)
    return min(8, 0.25 * 2**attempt) * random.uniform(0.5, 1)
