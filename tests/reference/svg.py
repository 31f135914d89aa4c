"""Read a picture of the schema reference back: its texts, boxes and lines, where a reader sees them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBER = r"-?\d+(?:\.\d+)?"

# Widths of the letters from blank to ~ in thousandths of the font size, from the fonts' own tables:
# Liberation Sans 1.07.4, equal to Arimo's and made to be those of Arial and Helvetica; DejaVu Sans 2.37.
FONTS = {
    ("Arial", False): (
        "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 "
        "556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 "
        "667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 "
        "556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"
    ),
    ("Arial", True): (
        "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 "
        "556 556 333 333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 "
        "667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556 333 556 611 556 611 556 333 611 "
        "611 278 278 556 278 889 611 611 611 611 389 556 333 611 556 778 556 556 500 389 280 389 584"
    ),
    ("DejaVu Sans", False): (
        "318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 "
        "636 636 337 337 838 838 838 531 1000 684 686 698 770 632 575 775 752 295 295 656 557 863 748 787 "
        "603 787 695 635 611 732 684 989 685 611 685 390 337 390 838 500 500 613 635 550 635 615 352 635 "
        "634 278 278 579 278 974 634 612 635 635 411 521 392 634 592 818 592 592 525 636 337 636 838"
    ),
    ("DejaVu Sans", True): (
        "348 456 521 838 696 1002 872 306 457 457 523 838 380 415 380 365 696 696 696 696 696 696 696 696 "
        "696 696 400 400 838 838 838 580 1000 774 762 734 830 683 683 821 837 372 372 775 637 995 837 850 "
        "733 850 770 720 682 812 774 1103 771 724 725 457 365 457 838 500 500 675 716 593 716 678 435 716 "
        "712 343 343 665 343 1042 712 687 716 716 493 595 478 712 652 924 645 652 582 712 365 712 838"
    ),
}


class Box(NamedTuple):
    """A rectangle, and what fills it."""

    left: float
    top: float
    right: float
    bottom: float
    fill: str = ""

    def holds(self, x: float, y: float, *, inside: float = 0) -> bool:
        """Tell whether a point is in it, by more than ``inside``."""
        return (
            self.left + inside <= x <= self.right - inside and self.top + inside <= y <= self.bottom - inside
        )


class Text(NamedTuple):
    """A text from its left end on its line."""

    content: str
    x: float
    y: float
    size: float
    bold: bool

    def width(self, font: str) -> float:
        """Return how wide it is in a font."""
        widths = [int(width) for width in FONTS[font, self.bold].split()]
        return sum(widths[ord(letter) - 32] for letter in self.content) * self.size / 1000


class Picture(NamedTuple):
    """What is on the sheet; ``lines`` are points on each line from end to end."""

    sheet: Box
    boxes: list[Box]
    texts: list[Text]
    lines: list[list[tuple[float, float]]]


def read(svg: str) -> Picture:
    """Return what a picture shows, in its own coordinates."""
    root = ElementTree.fromstring(svg.encode())  # noqa: S314 - our own
    left, top, right, bottom = _numbers(root.attrib["viewBox"])
    found = Picture(Box(left, top, right, bottom), [], [], [])
    _walk(root, 0, 0, found)
    return found


def _walk(element: ElementTree.Element, x: float, y: float, found: Picture) -> None:
    for move in re.findall(r"translate\(([^)]*)\)", element.get("transform", "")):
        dx, dy = _numbers(move)
        x, y = x + dx, y + dy
    match element.tag.rpartition("}")[2]:
        case "rect":
            left, top = x + float(element.get("x", 0)), y + float(element.get("y", 0))
            right, bottom = left + float(element.attrib["width"]), top + float(element.attrib["height"])
            found.boxes.append(Box(left, top, right, bottom, element.attrib["fill"]))
        case "polygon" if box := _box(_numbers(element.attrib["points"]), x, y, element.attrib["fill"]):
            found.boxes.append(box)
        case "text":
            size, bold = float(element.attrib["font-size"]), element.get("font-weight") == "bold"
            at = x + float(element.attrib["x"]), y + float(element.attrib["y"])
            found.texts.append(Text(element.text or "", *at, size, bold))
        case "path":
            found.lines.append([(x + px, y + py) for px, py in _points(element.attrib["d"])])
    for child in element:
        _walk(child, x, y, found)


def _box(numbers: list[float], x: float, y: float, fill: str) -> Box | None:
    """Return a polygon as a box, unless it is the head of an arrow."""
    xs, ys = sorted(set(numbers[::2])), sorted(set(numbers[1::2]))
    if len(xs) != 2 or len(ys) != 2 or min(xs[1] - xs[0], ys[1] - ys[0]) < 12:
        return None
    return Box(x + xs[0], y + ys[0], x + xs[1], y + ys[1], fill)


def _points(path: str) -> Iterator[tuple[float, float]]:
    """Yield points on a path of cubic curves, close enough that none misses a box."""
    numbers = _numbers(path)
    xs, ys = numbers[::2], numbers[1::2]
    for n in range(0, len(xs) - 1, 3):
        for step in range(101):
            yield _on_curve(xs[n : n + 4], step / 100), _on_curve(ys[n : n + 4], step / 100)


def _on_curve(knots: list[float], t: float) -> float:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    return sum(weight * knot for weight, knot in zip(weights, knots, strict=True))


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(_NUMBER, text)]
