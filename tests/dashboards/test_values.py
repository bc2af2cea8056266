"""Every value of an axis on a page of its own."""

from support.browsing import Browser


def test_other_leads_to_every_value_and_each_to_its_rows(browser: Browser) -> None:
    page = browser.get("/?last=all")
    other = next(one.find("a")[0] for one in page.root.find("p", "other") if one.text.startswith("Other"))
    every = browser.get(other["href"])
    assert every.status == 200
    values = every.root.find("li", "choice")
    assert len(values) > 10
    last = values[-1]
    led = browser.get(last.find("a", "what")[0]["href"])
    assert led.total == int(last.find("span", "count")[0].text)


def test_values_are_found_by_what_they_contain(browser: Browser) -> None:
    page = browser.get("/values/actor?last=all&contains=ana")
    labels = [one.find("a", "what")[0].text for one in page.root.find("li", "choice")]
    assert labels
    assert all("Ana" in label for label in labels)


def test_an_axis_that_is_read_from_the_records_is_counted(browser: Browser) -> None:
    page = browser.get("/values/target?last=all&anyway=1")
    first = page.root.find("li", "choice")[0]
    assert browser.get(first.find("a", "what")[0]["href"]).total == int(first.find("span", "count")[0].text)


def test_an_axis_that_there_is_not_is_named(browser: Browser) -> None:
    page = browser.get("/values/actr")
    assert page.status == 400
    assert "did you mean actor?" in page.root.text
