"""A browser without a window: cookies, redirects, forms, and a memory of all that it was sent."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

PATIENCE = 30.0


@dataclass(frozen=True)
class Page:
    """An answer, whole. `url`: what was asked."""

    url: str
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        """Where the browser is sent, absolute."""
        assert self.status in (302, 303), (self.status, self.body[:2000])
        return urljoin(self.url, self.headers["Location"])

    @property
    def sent_to(self) -> dict[str, str]:
        """The parameters of where the browser is sent."""
        return dict(parse_qsl(urlsplit(self.location).query, keep_blank_values=True))

    @property
    def cookies(self) -> dict[str, dict[str, str | bool]]:
        """The cookies that are set, by name: value and attributes in lower case."""
        found: dict[str, dict[str, str | bool]] = {}
        for line in self.headers.get_all("Set-Cookie", []):
            first, *rest = line.split("; ")
            name, _, value = first.partition("=")
            attributes: dict[str, str | bool] = {"value": value.strip('"')}
            for each in rest:
                key, equals, given = each.partition("=")
                attributes[key.lower()] = given if equals else True
            found[name] = attributes
        return found

    @property
    def policy(self) -> dict[str, str]:
        """The content security policy, by directive."""
        parts = (
            part.strip().partition(" ")
            for part in self.headers["Content-Security-Policy"].split(";")
        )
        return {name: value for name, _, value in parts}

    def fields(self) -> dict[str, str]:
        """The hidden fields of the page's forms."""
        reader = _Fields()
        reader.feed(self.text)
        return reader.found


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("type") == "hidden" and given.get("name"):
            self.found[str(given["name"])] = given.get("value") or ""


@dataclass
class Browser:
    """One jar of cookies. It sends Secure cookies to this machine, as browsers do.

    `proxies`: for a host, the ports of this machine on which its requests are served in turn.
    """

    jar: dict[str, dict[str, str]] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    keeps_cookies: bool = True
    proxies: dict[str, Iterator[int]] = field(default_factory=dict)

    def get(self, url: str, **headers: str) -> Page:
        return self.send("GET", url, headers=headers)

    def post(self, url: str, form: dict[str, str], **headers: str) -> Page:
        sent = {"Sec-Fetch-Site": "same-origin", "Origin": "null", **headers}
        body = urlencode(form).encode()
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        return self.send("POST", url, body, {k: v for k, v in sent.items() if v})

    def send(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Page:
        """One request, without following where it leads."""
        address = urlsplit(url)
        jar = self.jar.setdefault(address.netloc, {})
        given = {"Host": address.netloc, **(headers or {})}
        if jar:
            given.setdefault("Cookie", "; ".join(f"{n}={v}" for n, v in jar.items()))
        proxy = self.proxies.get(address.netloc)
        port = next(proxy) if proxy else address.port or 80
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            target = address.path + (f"?{address.query}" if address.query else "")
            connection.request(method, target, body, given)
            answer = connection.getresponse()
            page = Page(url, answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        if self.keeps_cookies:
            self._keep(jar, page)
        self.pages.append(page)
        return page

    def follow(self, url: str, **headers: str) -> Page:
        """The page that the browser ends up with."""
        page = self.get(url, **headers)
        for _ in range(12):
            if page.status not in (302, 303):
                return page
            page = self.get(page.location, **headers)
        raise AssertionError("sent around in circles")

    def until(self, url: str, path: str) -> str:
        """Follow until it is sent to an address with this path, and do not go there."""
        page = self.get(url)
        for _ in range(12):
            if path in urlsplit(page.location).path:
                return page.location
            page = self.get(page.location)
        raise AssertionError("sent around in circles")

    def cookie(self, netloc: str, name: str) -> str | None:
        return self.jar.get(netloc, {}).get(name)

    @staticmethod
    def _keep(jar: dict[str, str], page: Page) -> None:
        for line in page.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(re.sub(r"; Partitioned", "", line)).items():
                if morsel["max-age"] == "0":
                    jar.pop(name, None)
                else:
                    jar[name] = morsel.value
