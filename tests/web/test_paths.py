"""No path leads to a file that is not meant to be served."""

import pytest

from tests.demo.server import Granian

PATHS = [
    "/app.py",
    "/web/settings.py",
    "/pyproject.toml",
    "/.git/config",
    "/.env",
    "/static/",
    "/static/app.py",
    "/static/../app.py",
    "/static/../../etc/passwd",
    "/static/%2e%2e/app.py",
    "/static/..%2fapp.py",
    "/static/..%5capp.py",
    "/static/%252e%252e/app.py",
    "/static/....//app.py",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/base.css%00.py",
    "/static/base.css/",
    "/.well-known/",
    "/.well-known/../app.py",
    "/templates/base.html",
    "/cds-services/../app.py",
    "//etc/passwd",
    "/%00",
    "/%ff",
    "/\\app.py",
    "/" + "a/" * 2000,
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_offered_is_not_found(granian: Granian, method: str, path: str) -> None:
    reply = granian.client.request(method, path)
    assert reply.status in (403, 404, 405, 414)
    for inside in (b"import ", b"root:", b"[core]", b"{%"):
        assert inside not in reply.body
