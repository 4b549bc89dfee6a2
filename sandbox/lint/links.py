"""Rules about links. CDS Hooks 2.0, "Link"."""

from urllib.parse import parse_qsl

from sandbox.lint.nodes import Node
from sandbox.lint.rule import Broken, quoted, rule
from sandbox.lint.shape import member_rules
from sandbox.lint.urls import is_safe, web_address


@rule("CH-109", "error", "A link's type is absolute or smart.")
def type_is_known(link: Node) -> Broken:
    type_ = link.text("type")
    if type_ and type_ not in ("absolute", "smart"):
        yield "type", f"It is {quoted(type_)}."


@rule("CH-109", "error", "A link's url is absolute and http(s).")
def url_is_absolute(link: Node) -> Broken:
    url = link.text("url")
    if url and web_address(url) is None:
        yield "url", f"It is {quoted(url)}."


@rule("CH-109", "warning", "A link's url is https: clients show no other in their pages.")
def url_is_https(link: Node) -> Broken:
    parts = web_address(link.text("url") or "")
    if parts and not is_safe(parts):
        yield "url", "It is http."


@rule("CH-109", "warning", "The client itself adds iss and launch to the url of a SMART app.")
def launch_is_left_to_the_client(link: Node) -> Broken:
    parts = web_address(link.text("url") or "")
    names = {name for name, _ in parse_qsl(parts.query)} if parts else set()
    if link.text("type") == "smart" and names & {"iss", "launch"}:
        yield "url", "It has them already."


@rule("CH-110", "error", "An appContext is for SMART apps: only a link of type smart has one.")
def app_context_is_smart(link: Node) -> Broken:
    if link.text("appContext") and link.text("type") != "smart":
        yield "appContext", "The link is of another type."


LINK = (
    *member_rules("link"),
    type_is_known,
    url_is_absolute,
    url_is_https,
    launch_is_left_to_the_client,
    app_context_is_smart,
)
