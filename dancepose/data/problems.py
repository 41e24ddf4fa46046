"""`Problems`: what was found wrong in a data set, counted, with file and field of each case."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dancepose.data.json_file import BrokenFile
from dancepose.errors import DataError

# kind -> what was done about it; the one list of everything that readers, splits and checks report
KINDS = {
    "annotation broken": "training and evaluation refuse to start",
    "not an annotation file": "left out",
    "not a picture": "left out",
    "picture of no class": "it lies in no class's folder: left out",
    "no people": "the file is left out",
    "people without group": "several people and no group_id to tell them apart: the file is left out",
    "point without group": "left out, and the picture counts as incomplete",
    "unknown label": "left out",
    "unknown field": "left out",
    "class without samples": "there is nothing to learn it from",
    "label foreign to its source": "its keypoint is not among those that the source labels: left out",
    "keypoint never labelled": "expected of a source that never has it: masked there",
    "file of no source": "no pattern of dataset.yaml fits: the run's skeleton, complete",
    "unknown shape": "left out",
    "duplicate point": "the first counts",
    "duplicate head": "the first counts",
    "head without person": "left out",
    "contradicting actions": "the first counts",
    "duplicate image": "labelled by several files: the first counts",
    "no known keypoint": "a person without any keypoint of the run's skeleton: masked, no truth",
    "not a number": "a coordinate is NaN or infinite: the keypoint counts as not annotated",
    "outside the image": "kept as it is",
    "no place": "a person without keypoints and box: the picture counts as incomplete",
    "unknown name in split": "left out",
    "in no part of the split": "not used",
    "clip in several parts": "frames of one video on both sides flatter the result",
    "person without head rectangle": "their head size follows from their keypoints",
    "group without place": "a labelled member lacks objpos or scale: all people found are scored in it",
    "member twice in a group": "counts once",
    "member who is nobody": "groups_v12.mat names people whom RELEASE does not have: passed over",
    "picture not in the download": "left out",
    "image missing": "training and evaluation refuse to start",
    "image broken": "training and evaluation refuse to start",
    "size differs": "the annotation names another size: training and evaluation refuse to start",
}
# what a training tells with its files, for it may be a slip of who labelled
SLIPS = (
    *("people without group", "point without group", "unknown label", "label foreign to its source"),
    *("keypoint never labelled", "duplicate point", "contradicting actions", "not a number"),
    "clip in several parts",
)
MOST_SUBJECTS = 5  # different labels, of each kind, that a training tells
ALL_CASES = "all of them, with file and field: dancepose-browse, with the same keys of data"
FATAL = ("annotation broken", "image missing", "image broken", "size differs")
REMEDY = "Mend the files, or take them out of the data or its split."


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes:
        kind: a key of `KINDS`.
        file: the file that it is in.
        field: where in the file, `shapes[3].label` for instance.
        subject: what cases of one kind are told apart by in the report, a label for instance.
        detail: anything else worth reading.
        count: number of cases that this record stands for.
    """

    kind: str
    file: str
    field: str = ""
    subject: str = ""
    detail: str = ""
    count: int = 1

    def __str__(self) -> str:
        """Return file, field and detail in one line."""
        return " ".join(word for word in (self.file, self.field, self.detail) if word)


class Problems:
    """The findings in one data set, in the order found."""

    def __init__(self, items: Iterable[Problem] = ()):
        self._items = list(items)

    def __len__(self) -> int:
        return sum(problem.count for problem in self._items)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._items)

    def add(
        self, kind: str, file: object, field: str = "", subject: str = "", detail: str = "", count: int = 1
    ) -> None:
        """Record one finding (see `Problem`).

        Raises:
            KeyError: the kind is not in `KINDS`.
        """
        KINDS[kind]
        self._items.append(Problem(kind, str(file), field, subject, detail, count))

    def add_broken(self, error: BrokenFile) -> None:
        """Record an annotation that cannot be read; the reader goes on to the next."""
        self.add("annotation broken", error.file, error.field, detail=error.what)

    def extend(self, other: Iterable[Problem]) -> None:
        """Take over another's findings."""
        self._items.extend(other)

    def of(self, *kinds: str) -> "Problems":
        """Return the findings of some kinds."""
        return Problems(problem for problem in self._items if problem.kind in kinds)

    def without(self, *kinds: str) -> "Problems":
        """Return all findings but those of some kinds."""
        return Problems(problem for problem in self._items if problem.kind not in kinds)

    def counts(self) -> dict[str, int]:
        """Return kind -> number of cases, in the order of `KINDS`."""
        found = {kind: len(self.of(kind)) for kind in KINDS}
        return {kind: count for kind, count in found.items() if count}

    def report(self, examples: int = 2, subjects: int | None = None) -> str:
        """Return the findings as text: a line for each kind and subject, with the first few cases.

        Args:
            examples: cases to show of each.
            subjects: of each kind at most; None: all.
        """
        groups: dict[tuple[str, str], list[Problem]] = {}
        for problem in self._items:
            groups.setdefault((problem.kind, problem.subject), []).append(problem)
        order = list(KINDS)
        lines = []
        told: Counter[str] = Counter()
        for (kind, subject), found in sorted(groups.items(), key=lambda group: order.index(group[0][0])):
            told[kind] += 1
            if subjects is not None and told[kind] > subjects:
                continue
            total = sum(problem.count for problem in found)
            head = f"{kind} {subject}" if subject else kind
            lines.append(f"{head}: {total} ({KINDS[kind]})")
            lines += [f"    {problem}" for problem in found[:examples]]
            if len(found) > examples:
                lines.append(f"    ... and {len(found) - examples} more")
        if subjects is not None:
            lines += [f"{k}: ... and {n - subjects} of other names" for k, n in told.items() if n > subjects]
        return "\n".join(lines) if lines else "no problems found"

    def slips(self) -> str:
        """Return what a training tells with its files, the first cases of each kind; empty without any."""
        found = self.of(*SLIPS)
        return f"{found.report(subjects=MOST_SUBJECTS)}\n{ALL_CASES}" if len(found) else ""

    def raise_fatal(self, remedy: str = REMEDY, examples: int = 3) -> None:
        """Raise if there is a finding with which neither training nor evaluation can go on.

        Args:
            remedy: what the user can do, with the key to set.
            examples: cases to name.

        Raises:
            DataError: names the first few files and the number of all.
        """
        fatal = self.of(*FATAL)
        if len(fatal):
            raise DataError(f"the data cannot be used. {remedy}\n{fatal.report(examples)}")
