"""A report for each campaign: what became of its messages, down to each recipient."""

import time
from collections.abc import Iterator

import pytest

from support.browsing import Browser, Page
from support.serving import Server, make
from whodid_schema.record import Record, Target
from whodid_schema.timestamp import from_micros

COUNTS = {"send": 10, "deliver": 9, "bounce": 1, "open": 5, "click": 2}


def message(number: int, verb: str, recipient: int, campaign: Target) -> Record:
    target = Target(type="recipient", id=f"r{recipient}@example.com", name=f"Reader {recipient}")
    moment = from_micros(time.time_ns() // 1000 - 60_000_000 - number * 1_000)
    return make(
        number,
        timestamp=moment,
        surface="delivery",
        kind="read",
        verb=verb,
        action=f"message.{verb}",
        target=target,
        targets=[target, campaign],
        target_refs=[f"recipient:{target.id}", f"{campaign.type}:{campaign.id}"],
        target_types=["recipient", campaign.type or ""],
    )


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    news = Target(type="broadcast", id="38/a b", name="May Newsletter #38")
    other = Target(type="drip", id="7", name="Welcome")
    sent = [(verb, recipient) for verb, count in COUNTS.items() for recipient in range(count)]
    records = [message(number, *each, news) for number, each in enumerate(sent)]
    records.append(message(99, "send", 3, other))
    with Server(tmp_path_factory.mktemp("delivery")) as server, Browser(server.url) as browser:
        server.create([*records, make(200)])
        yield browser


def table(page: Page, place: int) -> list[list[str]]:
    return [
        [cell.text for cell in row.find("th") + row.find("td")] for row in page.root.find("tbody")[place].find("tr")
    ]


def test_campaigns_are_listed_by_type_with_their_records(page_of: Browser) -> None:
    page = page_of.get("/delivery?last=1d")
    assert page.status == 200
    assert [one.text for one in page.root.find("h2")] == ["Broadcast", "Drip"]
    assert table(page, 0) == [["May Newsletter #38", "27"]]
    assert table(page, 1) == [["Welcome", "1"]]
    assert page_of.get(page.link("27")).total == 27


def test_a_campaign_says_what_became_of_its_messages(page_of: Browser) -> None:
    page = page_of.get(page_of.get("/delivery?last=1d").link("May Newsletter #38"))
    assert page.root.one("h1").text == "May Newsletter #38"
    assert [row[:3] for row in table(page, 0)] == [
        ["sent", "10", "100.0 %"],
        ["delivered", "9", "90.0 %"],
        ["opened", "5", "50.0 %"],
        ["clicked", "2", "20.0 %"],
        ["bounced", "1", "10.0 %"],
    ]
    for row in page.root.find("tbody")[0].find("tr"):
        link = row.find("a")[0]
        assert page_of.get(link["href"]).total == int(link.text)


def test_it_leads_down_to_each_recipient(page_of: Browser) -> None:
    campaign = page_of.get(page_of.get("/delivery?last=1d").link("May Newsletter #38"))
    assert table(campaign, 1)[0] == ["r0@example.com", "5"]
    bounced = page_of.get(campaign.link("who: recipients, bounced"))
    assert table(bounced, 1) == [["r0@example.com", "1"]]
    assert [row[:2] for row in table(bounced, 0)] == [row[:2] for row in table(campaign, 0)]
    one = page_of.get(campaign.root.find("tbody")[1].find("a")[0]["href"])
    assert one.total == 5
    assert {row.text for row in one.root.find("td", "resource")} == {"recipient: Reader 0 and 1 more"}


def test_a_campaign_without_records_says_so(page_of: Browser) -> None:
    page = page_of.get("/delivery/broadcast:none?last=1d")
    assert page.status == 200
    assert "No delivery record of it in this time" in page.root.text
    assert page_of.get("/delivery/" + "x" * 1_001).status == 400


def test_without_deliveries_the_page_says_what_a_campaign_is(page_of: Browser) -> None:
    assert "No campaign has delivery records here" in page_of.get("/delivery?until=2020-01-01").root.text
