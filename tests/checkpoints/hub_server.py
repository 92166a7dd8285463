"""A server on the loopback that speaks the hub's file layout, and can misbehave as hubs do."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40
LARGE = (".safetensors", ".bin", ".gguf", ".pth")


@dataclass
class Repository:
    """What the server has under a name.

    Attributes:
        files: Bytes by name.
        gated: The status with which it is refused to those without `token`; 0 for nobody.
        terms: Whether those without `token` see what it has, and get none of it.
        tags: What it is tagged with.
        token: What opens it.
        revisions: Commits by branch or tag; each has the same files.
        drop_after: How many bytes of a large file to send before the connection is cut, once.
        slow: Whether to wait for `go` half way through each large file.
        lie: What large files are changed into on the way.
        declared: What to add to the size that is announced for large files.
    """

    files: dict[str, bytes]
    gated: int = 0
    terms: bool = False
    tags: tuple[str, ...] = ()
    token: str = "secret"
    revisions: dict[str, str] = field(default_factory=lambda: {"main": COMMIT})
    drop_after: int = 0
    slow: bool = False
    lie: bytes = b""
    declared: int = 0
    go: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def facts(self, name: str) -> tuple[int, str, str]:
        """A file's announced size, its git hash and its SHA-256."""
        body = self.files[name]
        size = len(body) + (self.declared if name.endswith(LARGE) else 0)
        git = hashlib.sha1(f"blob {len(body)}\0".encode() + body).hexdigest()
        return size, git, hashlib.sha256(body).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers for the repositories of its server."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        found = re.fullmatch(
            r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?|"
            r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)",
            path,
        )
        if found is None:
            return self._refuse(404, "EntryNotFound")
        name = found[1] or found[4]
        repository = self.server.repositories.get(name)
        if repository is None:
            return self._refuse(404, "RepoNotFound")
        status = repository.gated or (403 if repository.terms and found[4] else 0)
        if status and self.headers.get("authorization") != f"Bearer {repository.token}":
            return self._refuse(status, "GatedRepo")
        asked = found[3] or found[5] or "main"
        commit = repository.revisions.get(asked, asked)
        if commit not in repository.revisions.values():
            return self._refuse(404, "RevisionNotFound")
        if found[4]:
            return self._file(repository, found[6], commit, with_body)
        return self._listing(repository, name, commit, is_tree=found[2] == "tree")

    def _refuse(self, status: int, code: str) -> None:
        self._head(status, {"X-Error-Code": code, "Content-Length": "0"})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _listing(self, repository: Repository, name: str, commit: str, is_tree: bool) -> None:
        files = []
        for path in repository.files:
            size, git, sha = repository.facts(path)
            oid, key = ("oid", "path") if is_tree else ("blobId", "rfilename")
            entry = {key: path, "size": size, oid: git, "type": "file"}
            if path.endswith(LARGE):
                large = {"size": size, "pointerSize": 130, "oid" if is_tree else "sha256": sha}
                entry["lfs"] = large
            files.append(entry)
        said = {"gated": "manual" if repository.terms else False, "tags": repository.tags}
        answer = files if is_tree else {"id": name, "sha": commit, "siblings": files, **said}
        body = json.dumps(answer).encode()
        self._head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _file(self, repository: Repository, name: str, commit: str, with_body: bool) -> None:
        size, git, sha = repository.facts(name)
        is_large = name.endswith(LARGE)
        start = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        first = int(start[1]) if start else 0
        body = (repository.lie or repository.files[name]) if is_large else repository.files[name]
        length = len(body) - first if with_body else size
        headers = {
            "X-Repo-Commit": commit,
            "ETag": f'"{sha if is_large else git}"',
            "Content-Length": str(length),
        }
        if start:
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        repository.asked.append((self.command, name, self.headers.get("range", "")))
        self._head(206 if start else 200, headers)
        if with_body:
            self._send(repository, body[first:], is_large)

    def _send(self, repository: Repository, body: bytes, is_large: bool) -> None:
        if is_large and repository.drop_after:
            body, repository.drop_after = body[: repository.drop_after], 0
            self.wfile.write(body)
            self.close_connection = True
            self.connection.close()
            return
        if is_large and repository.slow:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            repository.go.wait(60)
            body = body[len(body) // 2 :]
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """A hub on this machine.

    Attributes:
        repositories: What it has, by OWNER/NAME.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[str, Repository] = {}

    def handle_error(self, *arguments: object) -> None:
        pass  # a client that hangs up is what some tests are about

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def start(self) -> None:
        """Answer, on a thread of its own."""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        """Answer no more: connections are refused."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Refuse connections for as long as the context lasts."""
        self.stop()
        yield
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()
        self.server_activate()
        self.start()


@contextmanager
def serving() -> Iterator[Server]:
    """A server that answers for as long as the context lasts."""
    server = Server()
    server.start()
    try:
        yield server
    finally:
        server.stop()
