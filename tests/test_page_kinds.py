"""Pages of the kinds that mislead extractors, each own-written, and what is to come out of them."""

import json

from tests.pages import PARAGRAPHS, html, page
from transforms.extraction import clean_page
from transforms.schema import Article
from transforms.settings import CleanSettings

STORY = list(PARAGRAPHS)


def cleaned(body: str, **entry: object) -> Article:
    return clean_page(page(body, **entry), CleanSettings())


def lines(body: str) -> list[str]:
    return cleaned(body).text.split("\n")


def paragraphs(*texts: str) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def wrapped(inside: str, outside: str = "") -> str:
    head = "<head><title>Ferry fares to rise in May | Harbour Herald</title></head>"
    return (
        f"<!DOCTYPE html><html lang=en>{head}<body><h1>Ferry fares to rise in May</h1>{inside}{outside}</body></html>"
    )


def test_a_body_split_by_advertisements_is_put_together() -> None:
    parts = f"<div class=part>{paragraphs(*STORY[:2])}</div><div class=ad>Advertisement</div>"
    parts += f"<div class=part>{paragraphs(*STORY[2:])}</div>"
    assert lines(wrapped(f"<article>{parts}</article>")) == STORY


def test_lists_of_other_stories_are_left_out() -> None:
    titles = (
        "Council to sell the old pier",
        "Lighthouse keeper retires at last",
        "School bus meets a herd of sheep",
        "Island bakery wins a prize for rye bread",
    )
    inline = "".join(f"<li><a href='/story/{n}'>{title} on the island</a></li>" for n, title in enumerate(titles))
    body = f"<article>{paragraphs(*STORY[:3])}<ul>{inline}</ul>{paragraphs(*STORY[3:])}</article>"
    more = "".join(f"<div class=card><a href='/more/{n}'><h3>{title}</h3></a></div>" for n, title in enumerate(titles))
    assert lines(wrapped(body, f"<section><h2>More stories</h2>{more}</section>")) == STORY


def test_captions_embeds_and_share_bars_are_left_out() -> None:
    figure = "<figure><img src=/ferry.jpg><figcaption>The ferry at dawn. Photo: Harbour Herald</figcaption></figure>"
    bar = "<div class=share><button>Share</button><a href=#>Print</a></div>"
    video = "<iframe src='https://video.example/1'></iframe>"
    video += "<video><p>Your browser does not support the video tag.</p></video>"
    body = f"<article>{bar}{figure}{paragraphs(*STORY[:2])}{video}{paragraphs(*STORY[2:])}{bar}</article>"
    assert lines(wrapped(body)) == STORY


def test_readers_comments_are_left_out() -> None:
    comments = "".join(
        f"<div class=comment><b>reader{n}</b><p>I have said for {n} years that the council would do it again.</p></div>"
        for n in range(2, 9)
    )
    assert lines(wrapped(f"<article>{paragraphs(*STORY)}</article>", f"<div id=comments>{comments}</div>")) == STORY


def test_a_paywalled_page_says_so_and_keeps_only_the_story() -> None:
    offer = "<div><h3>To continue reading, become a subscriber</h3><a href=/plans>See plans</a></div>"
    article = cleaned(wrapped(f"<article>{paragraphs(*STORY[:3])}{offer}</article>"))
    assert article.text.split("\n") == STORY[:3]
    assert article.access == "paywalled"


def test_byline_and_date_above_the_text_are_columns_not_text() -> None:
    head = "<meta name=author content='Ines Harrow'>"
    article = cleaned(html("By Ines Harrow", "13 March 2026, 21:40", *STORY, head=head))
    assert article.text.split("\n") == STORY
    assert [author.name for author in article.authors] == ["Ines Harrow"]
    assert article.published_at is not None and article.published_at.isoformat() == "2026-03-13T21:40:00+00:00"
    assert article.published_source == "text"
    assert {line.rule for line in article.removed} == {"byline", "date"}


def test_a_style_sheet_that_a_slash_seems_to_close_is_no_text() -> None:
    style = "<style type='text/css' />.story { margin: 0 auto; font-family: Verdana, Arial, sans-serif; }</style>"
    assert lines(wrapped(f"<div class=story>{style}{'<br><br>'.join(STORY)}</div>")) == STORY


def test_a_schedule_and_the_signature_of_a_post_are_text() -> None:
    days = [f"Tuesday, March {day}, 2026 at 2:30 PM" for day in (3, 10, 17)]
    assert lines(wrapped(f"<article>{paragraphs(*days, *STORY)}</article>")) == [*days, *STORY]
    post = "— Marta Quill (@quill) March 13, 2026"
    assert post in lines(wrapped(f"<article>{paragraphs(STORY[0], post, *STORY[1:])}</article>"))


def test_a_page_of_line_breaks_instead_of_paragraphs_is_read() -> None:
    assert lines(wrapped("<div class=story-body>" + "<br><br>".join(STORY) + "</div>")) == STORY


def test_paragraphs_of_a_notice_do_not_stand_for_a_text_of_line_breaks() -> None:
    notice = "This site keeps a small file on your device so that the timetable opens at your pier. " * 4
    story = "<br><br>".join(line for part in range(3) for line in (*STORY, f"Part {part} of the story ends here."))
    found = cleaned(wrapped(f"<div class=story>{story}</div>", f"<div class=note><p>{notice}</p></div>")).text
    assert all(line in found for line in STORY)
    assert notice[:60] not in found


def cards(title: str) -> str:
    return "".join(f"<div class=related-card><h3>{title}</h3><p>{line}</p></div>" for line in STORY * 4)


def test_a_story_that_is_set_in_cards_is_found_whole_and_teasers_are_not_taken_for_one() -> None:
    opening = " ".join(STORY[:4])
    assert (
        STORY[4] in cleaned(wrapped(f"<main><p>{opening}</p></main>", f"<div>{cards('At the next pier')}</div>")).text
    )
    link = "<a href=/other>Another story of the day</a>"
    assert lines(wrapped(f"<main><p>{opening}</p></main>", f"<div>{cards(link)}</div>")) == [opening]


def test_an_address_with_another_date_than_the_template_wins_with_the_feed() -> None:
    head = '<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2026-03-14T08:00:00Z"}</script>'
    url = "https://www.harbour-herald.example/2025/11/02/ferry-fares"
    article = cleaned(html(head=head), url=url, published_raw="Sun, 02 Nov 2025 17:12:00 GMT")
    assert article.published_at is not None and article.published_at.isoformat() == "2025-11-02T17:12:00+00:00"
    assert article.published_source == "feed"


def test_wire_copy_is_told_from_the_agencys_own_page() -> None:
    assert cleaned(html()).is_wire_copy
    own = cleaned(html(), url="https://www.reuters.com/world/ferry-fares")
    assert (own.agency, own.is_wire_copy) == ("Reuters", False)


def test_a_story_kept_in_json_ld_alone_is_found_there() -> None:
    text = " ".join(STORY)
    head = f'<script type="application/ld+json">{{"@type":"NewsArticle","articleBody":"{text}"}}</script>'
    article = cleaned(f"<html><head>{head}</head><body><div id=app></div></body></html>")
    assert article.extraction_method == "json-ld"
    assert article.text == text


UPDATES = {
    "The first boat is out": "The harbour master let a boat leave at five past eight with eleven people on board.",
    "Schools stay closed": "All four schools on the north shore stay closed until Monday, the council has decided.",
    "Power is back in Ellan": "Power was back in most of the town by twenty past nine after a night of work.",
    "Two people hurt": "Two people were hurt when a shed roof came down in Mill Street, and are stable.",
}


def live_blog() -> str:
    """A page that tells of a storm in updates, the newest first, as live blogs do."""
    updates = [
        {
            "@type": "BlogPosting",
            "headline": headline,
            "datePublished": f"2026-03-14T{8 + n:02}:05:00Z",
            "articleBody": text,
        }
        for n, (headline, text) in enumerate(UPDATES.items())
    ]
    linked = {
        "@type": "LiveBlogPosting",
        "headline": "Storm over Ellan: what we know",
        "datePublished": "2026-03-14T07:30:00Z",
        "dateModified": "2026-03-14T11:05:00Z",
        "author": {"@type": "Person", "name": "Ines Harrow"},
        "liveBlogUpdate": list(reversed(updates)),
    }
    posts = "".join(
        f"<article class=post><time datetime={update['datePublished']}>now</time><h2>{update['headline']}</h2>"
        f"<p>{update['articleBody']}</p></article>"
        for update in reversed(updates)
    )
    head = f'<script type="application/ld+json">{json.dumps(linked)}</script>'
    return f"<html><head>{head}</head><body><main><h1>{linked['headline']}</h1><div>{posts}</div></main></body></html>"


def test_a_live_blog_is_one_article_with_all_its_updates_and_its_own_title_date_and_author() -> None:
    article = cleaned(live_blog())
    assert article.title == "Storm over Ellan: what we know"
    assert [author.name for author in article.authors] == ["Ines Harrow"]
    assert str(article.published_at) == "2026-03-14 07:30:00+00:00"
    assert str(article.modified_at) == "2026-03-14 11:05:00+00:00"
    told = article.text.split("\n")
    assert told == [line for update in reversed(UPDATES.items()) for line in update]


def test_labels_for_screen_readers_are_no_text() -> None:
    labelled = html(*PARAGRAPHS).replace("<p>", '<p><span class="visually-hidden">Paragraph:</span> ')
    assert cleaned(labelled).text.split("\n") == list(PARAGRAPHS)
