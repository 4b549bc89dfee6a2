"""Cards on a page: what a service wrote is text, and an address is a link only if it is one."""

import re

import pytest

from sandbox.desk.markdown import LONGEST, drawn
from sandbox.ehr import DevelopmentEhr
from tests.sandbox.apps import LAUNCH, send
from tests.sandbox.cds.scripted import Scripted, card, cards
from tests.sandbox.desk.conftest import opened, words


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("eGFR **28** is *low*", "<p>eGFR <b>28</b> is <em>low</em></p>"),
        ("one\n\ntwo\nthree", "<p>one</p><p>two three</p>"),
        ("one  \ntwo", "<p>one<br>two</p>"),
        ("- a\n- b\n  more", "<ul><li>a</li><li>b more</li></ul>"),
        ("Take:\n1. a\n2. b", "<p>Take:</p><ul><li>a</li><li>b</li></ul>"),
        ("`a<b`", "<p><code>a&lt;b</code></p>"),
        (r"\*not\* \[x\](javascript\:1)", "<p>*not* [x](javascript:1)</p>"),
        ("5 &lt; 6 &amp; 7", "<p>5 &lt; 6 &amp; 7</p>"),
        ("a * b * c snake_case_name", "<p>a * b * c snake_case_name</p>"),
        ("| a | b |\n| - | - |", '<pre class="wrap">| a | b |\n| - | - |</pre>'),
    ],
)
def test_the_harmless_part_of_markdown_is_drawn(text: str, html: str) -> None:
    assert drawn(text) == html


def test_a_link_leads_out_and_takes_nothing_along() -> None:
    made = drawn("[FDA](https://fda.gov/a?b=1&amp;c=2)")
    assert 'href="https://fda.gov/a?b=1&amp;c=2"' in made
    assert 'rel="noopener noreferrer"' in made


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "![x](javascript:alert(1))",
        '[x](https://a.example/"onmouseover="alert(1))',
        "<https://a.example/'onclick=x>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "**[<b>**x](https://a.example)",
        "[a <https://b.example> c](https://a.example)",
    ],
)
def test_nothing_else_becomes_an_element_or_an_attribute(text: str) -> None:
    made = drawn(text)
    tags = re.findall(r"<[^>]*>", made)
    link = re.compile(
        r'<a href="https?://[^"<>]*" target="_blank" rel="noopener noreferrer">', re.ASCII
    )
    for tag in tags:
        assert tag in ("<p>", "</p>", "<b>", "</b>", "</a>") or link.fullmatch(tag), made
    assert made.count("<a ") <= 1


@pytest.mark.parametrize("piece", ["**a", "[", "[a](https://", "*_", "`", "- ", "\\", "<https://"])
def test_hostile_markdown_is_drawn_in_no_time(piece: str) -> None:
    made = drawn(piece * (3 * LONGEST // len(piece)))
    assert len(made) < 12 * LONGEST


@pytest.mark.parametrize("text", ["", "\n\n", " ", "\\", "-", "- ", "**", "[]()", "\u202e", "\0"])
def test_any_text_can_be_drawn(text: str) -> None:
    drawn(text)


def test_a_card_shows_what_was_said_and_nothing_more(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    said = card(
        "<i>Look</i>",
        detail="**Bold** and <script>alert(1)</script>",
        source={"label": "<b>Ours</b>", "url": "javascript:alert(1)"},
        links=[
            {"label": "Read", "url": "https://example.org/a", "type": "absolute"},
            {"label": "Bad", "url": "javascript:alert(1)", "type": "absolute"},
            {"label": "The app", "url": LAUNCH, "type": "smart", "appContext": "c-1"},
            {"label": "Other", "url": "http://other.example/x", "type": "smart"},
        ],
    )
    scripted.offer("view", "patient-view", cards(said, card("Worse", "critical")))
    ehr.cds.rediscover()
    chart = opened(ehr)
    page = chart.page.text
    assert page.index("Worse") < page.index("&lt;i&gt;Look")
    assert "&lt;i&gt;Look&lt;/i&gt;" in page
    assert "<b>Bold</b> and &lt;script&gt;" in page
    assert not re.search(r'(?:href|src|action)="\s*javascript:', page)
    assert 'href="https://example.org/a" target="_blank"' in page
    # The smart link opens the app in the panel; one that is not registered does not.
    numbers = re.findall(
        r'name="card" value="([^"]+)"><input type="hidden" name="link" value="(\d+)"', page
    )
    assert len(numbers) == 1
    chart.act("/app", card=numbers[0][0], link="2")
    assert "No app is registered" in words(chart.page.text)
    assert "<iframe" not in chart.page.text
    chart.act("/app", card=numbers[0][0], link=numbers[0][1])
    frame = re.search(r'<iframe[^>]* src="([^"]+)"', chart.page.text)
    assert frame
    launch = send(ehr.origin + frame[1])
    assert launch.status == 303
    assert launch.headers["Location"].startswith(f"{LAUNCH}?iss=")
    assert "frame-src 'self' http://localhost:5000" in chart.page.headers["Content-Security-Policy"]
    # A page that is read again makes no new launch by itself: the frame does, when it loads.
    assert send(ehr.origin + frame[1]).headers["Location"] != launch.headers["Location"]
    chart.act("/app/close")
    assert "<iframe" not in chart.page.text
    assert send(ehr.origin + frame[1]).status == 404


def test_without_cards_the_page_says_so(ehr: DevelopmentEhr, scripted: Scripted) -> None:
    ehr.cds.rediscover()
    assert "No cards." in opened(ehr).page.text


def test_a_link_to_an_app_that_is_not_registered_says_so(
    ehr: DevelopmentEhr, scripted: Scripted
) -> None:
    link = {"label": "Other app", "url": "http://localhost:9/launch", "type": "smart"}
    scripted.offer("view", "patient-view", cards(card(links=[link])))
    ehr.cds.rediscover()
    chart = opened(ehr)
    assert "No app is registered with http://localhost:9/launch" in words(chart.page.text)
    assert chart.page.text.count('name="link"') == 0
