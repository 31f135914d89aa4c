"""The pictures of the schema reference: what a reader sees, whatever the machine, the font and the page."""

from __future__ import annotations

import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.errors import RunnerError
from runner.reference import dot, label, picture, sheet
from runner.reference.diagram import Card, Diagram, Line, Overview, Row
from tests.project import ROOT
from tests.reference import svg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reference.svg import Box, Picture

PICTURES = sorted(ROOT.joinpath("docs", "schema").glob("*.svg"))
# A new file may bring one small table and the names that it points to, in which there is nothing to balance.
LAST = {"auth": "003_account_security", "specs": "008_pgvector"}
JUDGED = [
    one for one in PICTURES for series, _, file in [one.stem.partition("-")]
    if file == "overview" or file <= LAST[series]
]  # fmt: skip
WILD = ('a"b\\', "<i>&'x'", "Größe_表", "W" * 30, "tab:le", "i" * 63, "\t\x01\uffff")


def _card(name: str, rows: int = 8) -> Card:
    kinds = [
        ("id", "uuid", ("PK",)),
        ("hub_id", "uuid", ("FK", "UK")),
        ("a_rather_long_name", "numeric(12,2)", ()),
    ]
    return Card(
        name, "table", tuple(Row(f"{a}{n}", b, c) for n, (a, b, c) in enumerate((kinds * 9)[:rows])), 3
    )


def _line(child: str, parent: str, *, foreign: bool = False) -> Line:
    return Line(child, ("hub_id1",), parent, ("id0",), optional=True, unique=False, foreign=foreign)


def _hub(count: int) -> Diagram:
    leaves = [f"leaf_{n}" for n in range(count)]
    abroad = [_line(leaf, "far.users", foreign=True) for leaf in leaves[::2]]
    cards = (_card("hub"), *map(_card, leaves))
    return Diagram("x", cards, (*(_line(leaf, "hub") for leaf in leaves), *abroad, _line("hub", "hub")))


def _alone(count: int) -> Diagram:
    return Diagram("x", tuple(_card(f"table_{n}", 3 + n % 6) for n in range(count)), ())


def _files(count: int, tables: int) -> Overview:
    names = [tuple(f"table_{n}_{m}" for m in range(tables)) for n in range(count)]
    lines = [_line(one[0], names[0][0]) for one in names] + [_line(one[-1], one[0]) for one in names]
    return Overview(
        "x", tuple((f"00{n}_file", one) for n, one in enumerate(names)), frozenset(), tuple(lines)
    )


def _wild() -> Diagram:
    cards = tuple(Card(name, "table", (Row(name, name, ("PK", "FK", "DB", "UK")),), 1) for name in WILD)
    lines = [Line(one, (one,), WILD[0], WILD[:1], optional=False, unique=True) for one in WILD[1:4]]
    return Diagram("x", cards, tuple(lines))


INVENTED = {
    "hub of 3": dot.group(_hub(3)),
    "hub of 12": dot.group(_hub(12)),
    "hub of 30": dot.group(_hub(30)),
    "2 alone": dot.group(_alone(2)),
    "7 alone": dot.group(_alone(7)),
    "40 alone": dot.group(_alone(40)),
    "a file of 20": dot.overview(_files(1, 20)),
    "9 files": dot.overview(_files(9, 4)),
    "wild names": dot.group(_wild()),
    "a wild overview": dot.overview(Overview("x", ((WILD[1], WILD),), frozenset(WILD[:2]), ())),
}


def drawn(sketches: tuple[dot.Sketch, ...]) -> str:
    """Return a picture drawn by the wheel's program."""
    program = picture.program()
    assert program, "the extra `dev` brings the program"
    return picture.draw(program, sketches)


def _name(one: Path | str) -> str:
    return one.stem if isinstance(one, Path) else one


@pytest.fixture(scope="module", params=[*PICTURES, *INVENTED], ids=_name)
def shown(request: pytest.FixtureRequest) -> Picture:
    """Return a committed picture or one of an invented schema."""
    one = request.param
    return svg.read(one.read_text(encoding="utf-8") if isinstance(one, Path) else drawn(INVENTED[one]))


def _boxes(shown: Picture) -> list[Box]:
    """Return cards and names: all boxes but the paper, the panels, and the bands, which lie in others."""
    return [box for box in shown.boxes if box.fill in ("white", "#eef3f8", "#fff6e9")]


def _room(shown: Picture, text: svg.Text) -> float:
    """Return where the next text in the same row begins, else where the innermost box ends."""
    around = [box for box in shown.boxes if box.holds(text.x, text.y)]
    box = min(around, key=lambda one: one.right - one.left)
    after = [
        t.x
        for t in shown.texts
        if t.content.strip() and t.x > text.x and abs(t.y - text.y) < 4 and box.holds(t.x, t.y)
    ]
    return min([box.right, *after])


@pytest.mark.parametrize("font", sorted({font for font, _ in svg.FONTS}))
def test_each_text_fits_its_box(shown: Picture, font: str) -> None:
    """In Arial, so in Helvetica, Liberation Sans and Arimo; and in DejaVu Sans, which bare machines have."""
    assert [
        text.content
        for text in shown.texts
        if text.content.isascii() and text.content.strip() and text.x + text.width(font) > _room(shown, text)
    ] == []


def test_no_letter_needs_more_room_than_it_is_given() -> None:
    """What names the schema has today does not matter."""
    for (_, bold), widths in svg.FONTS.items():
        for code, width in enumerate(map(int, widths.split()), 32):
            assert label.width(chr(code) * 100, 10, bold=bold) >= width, chr(code)


def test_no_line_crosses_a_box_or_a_heading(shown: Picture) -> None:
    """A line ends at the edge of its boxes, and goes round the others."""
    titles = [
        svg.Box(text.x, text.y - text.size, text.x + text.width("Arial"), text.y)
        for text in shown.texts
        if text.size == 12 and text.content.isascii()
    ]
    assert not {
        box
        for line in shown.lines
        for box in (*_boxes(shown), *titles)
        if any(box.holds(x, y, inside=1) for x, y in line)
    }


def test_boxes_stand_apart_and_on_the_paper(shown: Picture) -> None:
    """No part lies upon another."""
    boxes = sorted(set(_boxes(shown)))
    for n, one in enumerate(boxes):
        assert shown.sheet.holds(one.left, one.top, inside=8)
        assert shown.sheet.holds(one.right, one.bottom, inside=8)
        for other in boxes[n + 1 :]:
            apart = (
                one.right < other.left
                or other.right < one.left
                or one.bottom < other.top
                or other.bottom < one.top
            )
            assert apart, (one, other)


def _filled(shown: Picture) -> Iterator[float]:
    """Yield how much of the left, right, upper and lower half of the sheet boxes cover."""
    right, bottom = shown.sheet.right, shown.sheet.bottom
    x, y = right / 2, bottom / 2
    for half in (
        svg.Box(0, 0, x, bottom),
        svg.Box(x, 0, right, bottom),
        svg.Box(0, 0, right, y),
        svg.Box(0, y, right, bottom),
    ):
        covered = sum(
            max(0, min(half.right, box.right) - max(half.left, box.left))
            * max(0, min(half.bottom, box.bottom) - max(half.top, box.top))
            for box in set(_boxes(shown))
        )
        yield covered / ((half.right - half.left) * (half.bottom - half.top))


@pytest.mark.parametrize("shown", [*JUDGED, *INVENTED], ids=_name, indirect=True)
def test_no_picture_is_a_tower_beside_an_empty_half(shown: Picture) -> None:
    """No half of the sheet holds less than half of what the other does."""
    assert 0.75 <= shown.sheet.right / shown.sheet.bottom <= 3
    left, right, upper, lower = _filled(shown)
    assert min(left, right, upper, lower) >= 0.15
    assert 0.5 <= left / right <= 2
    assert 0.5 <= upper / lower <= 2


def test_the_paper_is_opaque(shown: Picture) -> None:
    """On a dark page it is a light sheet; nothing stands on the page itself."""
    assert shown.boxes[0] == (*shown.sheet[:4], "#fbfcfe")
    assert not any(box.fill == "transparent" for box in shown.boxes)


def test_the_program_is_the_wheel_s_and_not_one_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Graphviz that happens to be installed draws nothing, with an empty PATH all is as before."""
    before = drawn(INVENTED["hub of 3"])
    for name in ("dot", picture.WHEEL):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert drawn(INVENTED["hub of 3"]) == before
    program = picture.program()
    assert program
    assert program.is_relative_to(Path(sys.prefix).resolve())


def test_without_the_extra_there_is_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked for elsewhere; neither when the wheel's record is there and its program is not."""
    monkeypatch.setattr(picture, "WHEEL", "a-wheel-that-nobody-installed")
    assert picture.program() is None
    monkeypatch.undo()
    monkeypatch.setattr(metadata, "files", lambda _: [metadata.PackagePath("bin/elsewhere")])
    assert picture.program() is None


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("#!/bin/sh\necho '<svg/>'; echo broken >&2; exit 3\n", "broken"),
        ("#!/bin/sh\necho '<svg/>'\n", "<svg/>"),
        ("no program", "Exec format error"),
    ],
)
def test_a_program_that_fails_is_named(tmp_path: Path, script: str, said: str) -> None:
    """With what it said, and what to do."""
    program = tmp_path / "graphviz-pure"
    program.write_text(script)
    program.chmod(0o755)
    with pytest.raises(RunnerError, match=r"graphviz-pure could not draw a diagram") as failed:
        picture.draw(program, INVENTED["hub of 3"])
    assert said in failed.value.notes[0]
    assert "install the extra `docs` anew" in str(failed.value.remedy)


def test_parts_with_a_title_keep_their_order() -> None:
    """The files of an overview read from top to bottom, then from column to column."""
    sizes = [(200, 60), (200, 300), (400, 120), (200, 60), (400, 300), (200, 60)]  # by width would be smaller
    parts = [sheet.Part(f"file {n}", *size, "") for n, size in enumerate(sizes)]
    texts = svg.read(sheet.arrange(parts)).texts
    assert [text.content for text in sorted(texts, key=lambda text: (text.x, text.y))] == [
        part.title for part in parts
    ]


def test_hundreds_of_parts_are_put_on_a_sheet_in_time() -> None:
    """As of a file made of a dump, whose tables mostly point at the same few."""
    began = time.process_time()
    drawn = sheet.arrange([sheet.Part(None, 180 + n % 7, 90 + n % 5, "") for n in range(800)])
    assert 'width="5090pt" height="3598pt"' in drawn
    assert time.process_time() - began < 5


def test_a_panel_has_room_for_its_title() -> None:
    """Also when its tables need less."""
    shown = svg.read(sheet.arrange([sheet.Part("000_a_name_that_says_much", 20, 20, "")]))
    (title,) = shown.texts
    assert all(title.x + title.width(font) <= _room(shown, title) for font, _ in svg.FONTS)
