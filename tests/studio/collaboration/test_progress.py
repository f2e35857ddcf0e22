"""A small history by hand, and the exact numbers that are told of it."""

from __future__ import annotations

import csv
import io
import json
import time
from datetime import UTC, date, datetime

import pytest
import streamlit as st
from sqlalchemy import event, insert, update
from streamlit.testing.v1 import AppTest

from studio import ui
from studio.accounts import COOKIE, add_user, open_session
from studio.annotation import log
from studio.annotation.strokes import Rectangle, Undo
from studio.collaboration import activity, progress, review
from studio.collaboration.assignment import assign, set_overlap
from studio.collaboration.comments import comment
from studio.collaboration.presence import beat
from studio.images.library import find_images, set_class
from studio.projects.audit import record
from studio.projects.classes import classes_of, rename_class
from studio.projects.invitations import accept, invite
from studio.projects.projects import create_project
from studio.store.database import engine, reading, writing
from studio.store.tables import Event, Image, Stroke, Work
from studio.ui.progress import charts
from studio.ui.state import Tab
from tests.conftest import ROOT
from tests.studio.conftest import Someone
from tests.studio.formats.test_formats import photograph
from tests.studio.images.test_uploads import send

BOX = {"box": [1, 1, 4, 4]}
DAY = 24 * 3600
START = datetime(2026, 3, 1, 23, 30, tzinfo=UTC).timestamp()


def join(project_id: int, name: str, role: str = "annotator") -> int:
    with writing() as db:
        user = add_user(db, name, None).id
    return accept(invite(project_id, role), user)


def draw(image: Image, user_id: int, *names: str, day: int = 0) -> None:
    strokes = [Rectangle(one, 1, BOX) for one in names]
    log.append(image.id, user_id, strokes)
    with writing() as db:
        db.execute(update(Stroke).where(Stroke.id.in_(names)).values(at=START + day * DAY))


def on_day(day: int) -> None:
    """Date the events that have no date of this history yet."""
    with writing() as db:
        db.execute(update(Event).where(Event.at > START + 50 * DAY).values(at=START + day * DAY))


def spent(image: Image, user_id: int, seconds: float) -> None:
    with writing() as db:
        db.execute(update(Work).where(Work.image_id == image.id, Work.user_id == user_id).values(seconds=seconds))


@pytest.fixture
def team(project: Someone) -> dict[str, int]:
    """Ada, the admin; Bob and Cleo, who draw on six images; Rita, who judges; a stranger's project beside it."""
    own = project.project_id
    people = {"Ada": project.user_id, "bob": join(own, "bob"), "Cleo": join(own, "Cleo")}
    people |= {"Rita": join(own, "Rita", "reviewer"), "Idle": join(own, "Idle")}
    send(project, *((f"{one}.png", photograph(8, 9, one)) for one in range(6)))
    one, two, three, four, five, six = find_images(own)
    set_class(own, people["Ada"], [one.id, two.id], classes_of(own)[1].id)
    set_class(own, people["Ada"], [three.id], classes_of(own)[0].id)
    bob, cleo, rita = people["bob"], people["Cleo"], people["Rita"]
    on_day(0)
    draw(one, bob, "a", "b")  # accepted at once
    draw(two, bob, "c")  # returned, then accepted
    draw(three, bob, "d")  # returned
    draw(four, cleo, "e", "f", "g", day=2)  # accepted
    draw(five, cleo, "h", day=2)  # submitted
    log.append(four.id, cleo, [Undo("u", 0, {"stroke": "g"})])
    assign(own, [six.id], bob)
    on_day(0)
    for image in (one, two, three):
        review.submit(image.id, bob)
    review.accept(one.id, rita)
    review.give_back(two.id, rita)
    review.give_back(three.id, rita)
    on_day(0)
    review.submit(two.id, bob)
    review.accept(two.id, rita)
    on_day(1)
    review.submit(four.id, cleo)
    review.submit(five.id, cleo)
    review.accept(four.id, rita)
    on_day(2)
    for image, seconds in ((one, 60.0), (two, 120.0), (three, 600.0)):
        spent(image, bob, seconds)
    for image, seconds in ((four, 100.0), (five, 200.0)):
        spent(image, cleo, seconds)
    for now in (1000.0, 1005.0, 1010.0):
        beat(one.id, rita, now)  # who judges has images open, and draws none
    other = Someone(create_project(people["Ada"], "Other").id, people["Ada"])
    send(other, ("x.png", photograph(8, 9, 77)))
    (image,) = find_images(other.project_id)
    accept(invite(other.project_id, "annotator"), bob)
    log.append(image.id, bob, [Rectangle("z", 1, BOX)])
    review.submit(image.id, bob)
    spent(image, bob, 9999.0)
    return people | {"project": own}


def test_a_project(team: dict[str, int]) -> None:
    assert progress.project(team["project"]) == progress.Project(
        images=6, states={"open": 1, "submitted": 1, "accepted": 3, "returned": 1}, drawn=5,
        classes={"Crack": 1, "Pore": 2, None: 3},
    )  # fmt: skip


def test_annotators(team: dict[str, int]) -> None:
    bob, cleo = team["bob"], team["Cleo"]
    expected = [
        progress.Annotator(bob, "bob", 3, 1, 0, 1, 2, 0.5, 780 / 3600, 2.0, 4),
        progress.Annotator(cleo, "Cleo", 2, 0, 1, 0, 1, 1.0, 300 / 3600, 2.5, 4),
    ]
    assert progress.annotators(team["project"]) == expected
    assert progress.annotators(team["project"], bob) == expected[:1]
    assert (
        progress.annotators(team["project"], team["Rita"]) == progress.annotators(team["project"], team["Idle"]) == []
    )


def test_days(team: dict[str, int]) -> None:
    own = team["project"]
    expected = [
        progress.Day(date(2026, 3, 1), 4, 3, 1), progress.Day(date(2026, 3, 2), 0, 1, 1),
        progress.Day(date(2026, 3, 3), 4, 2, 1),
    ]  # fmt: skip
    assert progress.days(own) == expected
    later = [one._replace(day=date(2026, 3, one.day.day + 1)) for one in expected]
    assert progress.days(own, offset=1800) == later  # half past eleven is tomorrow, half an hour further east
    assert progress.days(own, offset=1799) == expected
    assert progress.days(own, team["Cleo"]) == [progress.Day(date(2026, 3, 3), 4, 2, 1)]
    assert [one[1:] for one in progress.days(own, team["bob"])] == [(4, 3, 1), (0, 1, 1)]


def test_where_nothing_was_done_there_is_nothing(project: Someone) -> None:
    own = project.project_id
    assert progress.project(own) == progress.Project(
        0, dict.fromkeys(("open", "submitted", "accepted", "returned"), 0), 0, {}
    )
    assert progress.annotators(own) == []
    assert progress.days(own) == []


def test_only_those_to_whom_an_image_was_returned_lose_their_first_pass(project: Someone) -> None:
    own = project.project_id
    bob, cleo = (join(own, one) for one in ("Bob", "Cleo"))
    dan = join(own, "Dan", "reviewer")
    set_overlap(own, project.user_id, 2)
    send(project, ("a.png", photograph(8, 9, 1)), ("b.png", photograph(8, 9, 2)))
    first, second = find_images(own)
    for image in (first, second):
        for user in (bob, cleo):
            draw(image, user, f"{image.id}-{user}")
            review.submit(image.id, user)
    review.give_back(first.id, project.user_id, to=bob)
    review.submit(first.id, bob)
    review.accept(first.id, project.user_id)
    review.accept(second.id, project.user_id)
    review.reopen(second.id, project.user_id)  # is no return
    for user in (bob, cleo):
        review.submit(second.id, user)
    review.accept(second.id, project.user_id)
    draw_late(first, dan)
    shares = {one.name: one.first_pass for one in progress.annotators(own)}
    assert shares == {"Bob": 0.5, "Cleo": 1.0, "Dan": 1.0}


def draw_late(image: Image, user_id: int) -> None:
    """Somebody who came to an image after it had been returned to another."""
    review.reopen(image.id, user_id)
    draw(image, user_id, "late")
    with reading() as db:
        others = [one.user_id for one in db.query(Work).where(Work.image_id == image.id, Work.user_id != user_id)]
    for one in (*(other for other in others if other), user_id):
        with reading() as db:
            if db.get_one(Image, image.id).state == "submitted":
                break
        review.submit(image.id, one)
    with writing() as db:
        db.execute(update(Work).where(Work.image_id == image.id, Work.user_id == user_id).values(state="submitted"))
    review.accept(image.id, image.added_by)


def test_the_charts_show_these_numbers(team: dict[str, int]) -> None:
    own = team["project"]
    bar = charts.state_bar(progress.project(own))
    assert bar == charts.Bars(
        [""], [charts.Bar("open", [1]), charts.Bar("submitted", [1]), charts.Bar("returned", [1]),
               charts.Bar("accepted", [3])],
    )  # fmt: skip
    people = charts.annotator_bars(progress.annotators(own))
    assert people == charts.Bars(
        ["bob", "Cleo"], [charts.Bar("open", [1, 0]), charts.Bar("submitted", [0, 1]), charts.Bar("returned", [1, 0]),
                          charts.Bar("accepted", [2, 1])],
    )  # fmt: skip
    lines = charts.day_lines(progress.days(own))
    assert lines == charts.Lines(["2026-03-01", "2026-03-02", "2026-03-03"], [4, 0, 4], [3, 1, 2], [1, 1, 1])
    for dark in (False, True):
        drawn = charts.draw_bars(people, dark)
        assert [(one.name, list(one.x)) for one in drawn.data] == [(one.state, one.counts) for one in people.series]
        assert [list(one.y) for one in charts.draw_lines(lines, dark).data] == [[4, 0, 4], [3, 1, 2], [1, 1, 1]]


def test_names_are_shown_as_they_are() -> None:
    names = ["<b>x</b>", "a" * 40, "a" * 39 + "b"]
    people = [progress.Annotator(one, name, 1, 1, 0, 0, 0, None, 0, None, 1) for one, name in enumerate(names)]
    figure = charts.draw_bars(charts.annotator_bars(people))
    assert list(figure.layout.yaxis.ticktext) == ["&lt;b&gt;x&lt;/b&gt; ", "a" * 23 + "… ", "a" * 23 + "… "]
    assert list(figure.data[0].y) == [0, 1, 2]  # two of a kind stay two rows


def test_the_feed_in_pages_and_of_one_person(team: dict[str, int]) -> None:
    own, seen, before = team["project"], [], None
    while part := activity.lines(own, before=before, count=7):
        seen += part
        before = part[-1].id
    with reading() as db:
        assert [one.id for one in seen] == sorted((one.id for one in db.query(Event).where(Event.project_id == own)),
                                                  reverse=True)  # fmt: skip
    mine = [one.id for one in seen if one.user_id == team["bob"]]
    first = activity.lines(own, team["bob"], count=3)
    rest = activity.lines(own, team["bob"], before=first[-1].id, count=1000)
    assert [one.id for one in (*first, *rest)] == mine


def test_the_audit_log_as_a_table(team: dict[str, int]) -> None:
    own = team["project"]
    first = find_images(own)[0]
    comment(first, team["bob"], '=HYPERLINK("http://evil"),\n"x"')
    rename_class(own, team["Ada"], classes_of(own)[0].id, "Ünglück 🌉")
    with writing() as db:
        db.execute(update(Image).where(Image.id == first.id).values(name="=1+1.png"))
    content = activity.as_csv(own)
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    with reading() as db:
        assert len(table) == 1 + db.query(Event).where(Event.project_id == own).count()
    assert table[0] == ["time", "user", "action", "image", "image sha256", "line"]
    assert table[-1][1:] == ["Ada", "class renamed", "", "", "renamed the class Crack to Ünglück 🌉"]
    assert table[-2][1:] == ["bob", "commented", "'=1+1.png", first.sha256,
                             'commented: =HYPERLINK("http://evil"),\n"x"']  # fmt: skip
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in table for cell in row)
    assert datetime.fromisoformat(table[1][0]).tzinfo is UTC or table[1][0].endswith("+00:00")


def fill(project: Someone, images: int, strokes: int) -> None:
    """A large project: half of the images are judged, by four people."""
    people = [project.user_id, *(join(project.project_id, f"P{one}") for one in range(3))]
    own, now = project.project_id, time.time()
    points = [[float(one), one / 3] for one in range(40)]
    with writing() as db:
        db.execute(insert(Image), [
            {"project_id": own, "sha256": f"{one:064x}", "name": f"{one}.png", "width": 99, "height": 99,
             "state": ("open", "submitted", "accepted", "returned")[one % 4], "added_by": people[0],
             "strokes": strokes // images}
            for one in range(images)
        ])  # fmt: skip
        ids = [one.id for one in db.query(Image).where(Image.project_id == own)]
        db.execute(insert(Work), [
            {"image_id": image, "user_id": people[number % 4], "state": ("open", "submitted", "accepted")[number % 3],
             "assigned_at": now, "seconds": float(number % 500)}
            for number, image in enumerate(ids)
        ])  # fmt: skip
        db.execute(insert(Stroke), [
            {"id": f"s{one}", "image_id": ids[one % images], "kind": "brush", "class_number": 1,
             "geometry": {"points": points, "width": 5}, "author_id": people[one % images % 4], "at": now - one * 40}
            for one in range(strokes)
        ])  # fmt: skip
        db.execute(insert(Event), [
            {"project_id": own, "user_id": people[number % 4], "image_id": image, "what": what, "details": {},
             "at": now - number * 100}
            for number, image in enumerate(ids) for what in ("submitted", "returned", "submitted", "accepted")
        ])  # fmt: skip


def test_the_queries_are_few_and_quick_at_ten_thousand_images(project: Someone) -> None:
    fill(project, 10_000, 100_000)
    own, asked, times = project.project_id, list[str](), dict[str, float]()

    def count(*given: object) -> None:
        asked.append(str(given[2]))  # the statement

    event.listen(engine(), "before_cursor_execute", count)
    try:
        for name, query in (
            ("project", progress.project),
            ("annotators", progress.annotators),
            ("days", progress.days),
        ):
            begin = time.perf_counter()
            query(own)
            times[name] = time.perf_counter() - begin
    finally:
        event.remove(engine(), "before_cursor_execute", count)
    print(json.dumps(times))
    assert sum(one.startswith("SELECT") for one in asked) <= 10
    assert sum(times.values()) < 10  # a second or so; a machine may be busy
    rows = progress.annotators(own)
    assert sum(one.strokes for one in rows) == 100_000
    assert sum(one.images for one in rows) == 10_000
    assert all(one.first_pass == 0 for one in rows)


PAGE = str(ROOT / "pages" / "progress.py")


def show(user_id: int, project_id: int, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page as a user sees it."""
    app = AppTest.from_file(PAGE, default_timeout=60)
    cookies = {COOKIE: open_session(user_id)}
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(lambda context: cookies))
    app.session_state["Tab"] = Tab(project_id=project_id)
    app.run()
    assert not app.exception
    return app


def text(app: AppTest) -> str:
    return "\n".join(str(one.value) for kind in (app.markdown, app.caption, app.header) for one in kind)


def offers_the_log(app: AppTest) -> bool:
    return any("/audit.csv" in one.proto.json for one in app.get("bidi_component"))


def test_the_page(team: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    beat(find_images(team["project"])[5].id, team["Cleo"])
    app = show(team["Ada"], team["project"], monkeypatch)
    assert [(one.label, one.value) for one in app.metric] == [
        ("Images", "6"), ("Drawn", "83 %"), ("Submitted", "1"), ("Returned", "1"), ("Accepted", "3")
    ]  # fmt: skip
    assert list(app.dataframe[0].value["Annotator"]) == ["bob", "Cleo"]
    assert "**Cleo** has 5.png open" in text(app)
    assert len(app.get("plotly_chart")) == 3
    assert offers_the_log(app)
    (older,) = (one for one in app.button if one.label == "Older")
    before = text(app)
    app = older.click().run()
    assert text(app) != before
    assert [one.label for one in app.button] == ["Newer"]
    app = app.button[0].click().run()
    assert text(app) == before


def test_who_draws_blind_sees_nobody_else(team: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    own = team["project"]
    set_overlap(own, team["Ada"], 2)
    comment(find_images(own)[0], team["Cleo"], "a whisper")
    beat(find_images(own)[5].id, team["Cleo"])
    app = show(team["bob"], own, monkeypatch)
    assert list(app.dataframe[0].value["Annotator"]) == ["bob"]
    assert not offers_the_log(app)
    for word in ("Cleo", "whisper", "Ada", "Rita"):
        assert word not in text(app)
    everything = show(team["Rita"], own, monkeypatch)
    assert list(everything.dataframe[0].value["Annotator"]) == ["bob", "Cleo"]
    assert "whisper" in text(everything)
    assert not offers_the_log(everything)  # an admin's


def test_the_page_of_an_empty_project(project: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.page_link", lambda *given, **options: None)  # it is drawn outside the studio here
    app = show(project.user_id, project.project_id, monkeypatch)
    assert "No images yet" in text(app)
    send(project, ("a.png", photograph(8, 9, 1)))
    app = show(project.user_id, project.project_id, monkeypatch)
    assert "No strokes yet" in text(app)


def test_users_text_is_never_markup(team: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    with writing() as db:
        record(db, team["project"], team["bob"], "commented", None, text="**loud** <img src=x> :red[x] $x$")
    app = show(team["Ada"], team["project"], monkeypatch)
    assert "&#42;&#42;loud&#42;&#42; &#60;img" in text(app)
    assert "<img" not in text(app)


@pytest.mark.parametrize(("behind", "told"), [(0, "01 Jan 2026, 00:30"), (-330, "01 Jan 2026, 06:00")])
def test_times_are_those_of_the_readers_clock(monkeypatch: pytest.MonkeyPatch, behind: int, told: str) -> None:
    monkeypatch.setattr(type(st.context), "timezone_offset", behind)
    assert ui.clock(datetime(2026, 1, 1, 0, 30, tzinfo=UTC).timestamp()) == told
