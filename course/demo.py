"""A simulated class, from release to report, whose every score is known beforehand.

The students' answers come from the bank of answers; the score that the bank predicts is held
against the one that the real grading enters in a gradebook. All happens in a folder of its own.
"""

import random
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook

from course.authoring.release import make_release
from course.directory import open_course
from course.grading.feedback import make_feedback
from course.grading.grade import grade_class
from course.grading.report import write_report
from course.grading.results import read_results
from course.layout import CONFIG, CourseError
from course.notebooks import bank
from course.notebooks.assignment import SOURCE, read_assignments
from course.notebooks.bank import Answer
from course.notebooks.cells import grade_id, is_manual, is_solution, read
from course.notebooks.conventions import BEGIN_SCHEME, unmarked
from course.notebooks.dependencies import beneath
from course.notebooks.source import SourceNotebook, source_notebooks

MARKER = ".course-demo"
SEED = 20  # another seed, another class
BY_ALL = 1  # assignments that the whole class hands in; the later ones take longest to grade
FIRST_DUE = datetime(2026, 10, 2, 18)  # UTC; work on the next assignment comes two weeks after

NAMES = """
Amina Diallo, Mateo Quispe, Yuki Tanaka, Ingrid Solberg, Kwame Mensah, Priya Raghavan, Lukas Novak,
Leila Haddad, Thandi Nkosi, Minh Tran, Chiara Romano, Ahmet Yildiz, Sofia Papadaki, Jiho Park,
Tomas Silva, Nadia Petrova, Wei Zhang, Aroha Ngata, Omar Farouk, Elif Kaya, Ravi Perera,
Zofia Kowalska, Malik Jones, Siiri Virtanen
"""


@dataclass(frozen=True)
class Kind:
    """How a kind of student works.

    Attributes:
        name: the kind.
        wrong: the fraction of exercises answered wrongly, as far as answers don't collide.
        blank: the fraction of exercises left as they were handed out.
        other: the fraction of right answers written otherwise than the reference.
        words: whether the questions in words are answered.
        late: how long after the due date the work comes; negative if before.
        damage: what becomes of the first assignment's notebooks: "cut" off before an answer, or
            "junk" in their place.
    """

    name: str
    wrong: float = 0
    blank: float = 0
    other: float = 0.5
    words: bool = True
    late: timedelta = timedelta(hours=-5)
    damage: str = ""


EXCELLENT = Kind("excellent")
MIDDLING = Kind("middling", wrong=0.3)
CARELESS = Kind("careless", wrong=0.6, blank=0.25, other=0.2, words=False)
BLANK = Kind("blank", blank=1, words=False)
LATE = Kind("late", wrong=0.15, late=timedelta(hours=26))
CUT = Kind("cut off", wrong=0.15, damage="cut")
JUNK = Kind("junk", damage="junk")
STAY = (EXCELLENT, CARELESS)  # of each of these one student hands in the later assignments, too
CLASS = [
    *(EXCELLENT, MIDDLING, CARELESS, MIDDLING, EXCELLENT, LATE, MIDDLING, EXCELLENT),
    *(MIDDLING, CARELESS, BLANK, EXCELLENT, MIDDLING, CUT, EXCELLENT, MIDDLING),
    *(CARELESS, EXCELLENT, BLANK, JUNK, LATE, EXCELLENT, CARELESS, MIDDLING),
]


@dataclass(frozen=True)
class Student:
    """A simulated student: id, name for people, kind, and whether they stay to the course's end."""

    id: str
    first: str
    last: str
    kind: Kind
    stays: bool = True


@dataclass(frozen=True)
class Paper:
    """What one student writes into one notebook.

    Attributes:
        answers: answers from the bank; the reference stands for exercises without.
        blank: exercises left as they were handed out.
        cut: the exercise before whose answer the file ends; "" if it is whole. That one and those
            after it are blank.
        junk: whether nothing of it can be read.
    """

    answers: Mapping[str, Answer] = field(default_factory=dict)
    blank: frozenset[str] = frozenset()
    cut: str = ""
    junk: bool = False


@dataclass(frozen=True)
class Row:
    """One student's result.

    Attributes:
        student: who.
        scores: what grading entered in the gradebook, by assignment that was handed in.
        predicted: what the bank predicts, by assignment.
        differences: exercises whose score is another one, each a plain line.
    """

    student: Student
    scores: Mapping[str, float]
    predicted: Mapping[str, float]
    differences: Sequence[str]

    @property
    def equal(self) -> bool:
        """Whether the bank predicted every exercise's score."""
        return not self.differences


@dataclass(frozen=True)
class Demo:
    """The demo's end.

    Attributes:
        folder: the course folder that was made.
        report: the report's page.
        max_scores: what can be earned without the questions in words, by assignment.
        rows: the class.
        seconds: how long it took.
        left_out: notebooks that need what is not installed here, a line each: handed in as they
            were handed out, and not graded.
    """

    folder: Path
    report: Path
    max_scores: Mapping[str, float]
    rows: Sequence[Row]
    seconds: float
    left_out: Sequence[str] = ()


Predictions = dict[tuple[str, str], dict[tuple[str, str], float]]


def make_demo(
    root: Path,
    folder: Path,
    *,
    students: int = 24,
    jobs: int = 0,
    on_step: Callable[[str], None] = lambda step: None,
) -> Demo:
    """Release, hand in, grade, give feedback and report, in a folder of its own.

    Everybody hands in the first assignment; the later ones, which take longest, two students do, so
    that a newcomer sees a graded class within minutes.

    Args:
        root: the course's folder, of which nothing but source/ and nbgrader_config.py is read.
        folder: the new course folder; an earlier demo there is replaced.
        students: how many; the mixture of kinds repeats every 24.
        jobs: how many processes work at once; 0 for one a CPU.
        on_step: told what is done next.

    Raises:
        CourseError: if the folder holds something other than an earlier demo.
    """
    start = time.perf_counter()
    _prepare(root, folder)
    on_step("making the release")
    make_release(folder)
    on_step(f"handing in the work of {students} students")
    class_ = make_class(students)
    predicted = _hand_in(folder, class_)
    on_step("grading")
    grade_class(folder, jobs=jobs)
    on_step("making the feedback")
    make_feedback(folder, jobs=jobs)
    on_step("writing the report")
    results = read_results(folder)
    report = write_report(results, folder / "report")
    scores = {
        key: {
            (c.notebook, c.id): work.scores.get(c, 0) for c in results.columns[key[1]] if c.exercise
        }
        for key, work in results.works.items()
    }
    max_scores = {
        name: sum(column.points for column in columns if column.exercise)
        for name, columns in results.columns.items()
    }
    rows = [_row(student, list(results.columns), scores, predicted) for student in class_]
    left_out = [
        f"{source.assignment}/{source}.ipynb {source.lacks}"
        for source in source_notebooks(folder / SOURCE)
        if source.lacks
    ]
    return Demo(folder, report, max_scores, rows, time.perf_counter() - start, left_out)


def make_class(count: int) -> list[Student]:
    """Return the students; more than there are names for share them, with a number.

    Of every 24 two stay to the end of the course, one of each kind in `STAY`.
    """
    people = [name.split() for name in NAMES.replace("\n", " ").split(",")]
    found = []
    for index in range(count):
        first, last = people[index % len(people)]
        again = index // len(people)
        number = str(again + 1) if again else ""
        key = f"{first}.{last}{number}".lower()
        place = index % len(CLASS)
        stays = CLASS[place] in STAY and CLASS.index(CLASS[place]) == place
        found.append(Student(key, first, f"{last} {number}".strip(), CLASS[place], stays))
    return found


def _prepare(root: Path, folder: Path) -> None:
    """Make an empty course folder, in the place of an earlier demo if there is one."""
    if folder.exists():
        ours = (folder / MARKER).is_file()
        if not ours and (not folder.is_dir() or any(folder.iterdir())):
            raise CourseError(f"{folder} is not a folder that `course demo` made: name another one")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("Made by `course demo`, which also removes it.\n")
    shutil.copytree(root / SOURCE, folder / SOURCE)
    shutil.copy(root / CONFIG, folder)


def _row(
    student: Student, assignments: Sequence[str], scores: Predictions, predicted: Predictions
) -> Row:
    differences = []
    handed_in = [name for name in assignments if (student.id, name) in predicted]
    for name in handed_in:
        found = scores.get((student.id, name), {})
        for key, points in predicted[student.id, name].items():
            if found.get(key) != points:
                differences.append(
                    f"{name}, {key[1]}: {found.get(key)} points instead of {points:g}"
                )
    return Row(
        student,
        {name: sum(scores.get((student.id, name), {}).values()) for name in handed_in},
        {name: sum(predicted[student.id, name].values()) for name in handed_in},
        differences,
    )


# --- what students hand in ------------------------------------------------------------------------


def _hand_in(folder: Path, class_: Sequence[Student]) -> Predictions:
    """Write every student's work into submitted/, and return the points that it should earn."""
    course = open_course(folder)
    predicted: Predictions = {}
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        for student in class_:
            gradebook.update_or_create_student(
                student.id, first_name=student.first, last_name=student.last
            )
        for index, assignment in enumerate(read_assignments(course.path("source"))):
            name = assignment.name
            due = FIRST_DUE + index * timedelta(weeks=2)
            # Two work ahead: what they alone hand in was due for nobody else.
            dues = {"duedate": due} if index < BY_ALL else {}
            gradebook.update_or_create_assignment(name, **dues)
            for source in source_notebooks(course.path("source"), name):
                known = source.bank.answers
                for student in class_ if index < BY_ALL else filter(_stays, class_):
                    there = folder / "submitted" / student.id / name
                    if not there.exists():
                        shutil.copytree(folder / "release" / name, there)
                        when = due + student.kind.late
                        (there / "timestamp.txt").write_text(f"{when:%Y-%m-%d %H:%M:%S} UTC\n")
                    for file in source.hand_in if student.kind.blank < 1 else ():
                        shutil.copy(source.folder / file, there)
                    points = predicted.setdefault((student.id, name), {})
                    if source.lacks:
                        continue
                    rng = random.Random(f"{SEED} {student.id} {name} {source.name}")
                    paper = choose(rng, source, known, student.kind)
                    if index == 0:
                        paper = damaged(rng, source, paper, student.kind.damage)
                    write_paper(there / f"{source.name}.ipynb", source, paper, student.kind.words)
                    scores = bank.predicted(
                        source.exercises, [*paper.answers.values()], paper.blank, carried=True
                    )
                    points |= {(source.name, key): value for key, value in scores.items()}
    return predicted


def _stays(student: Student) -> bool:
    return student.stays


def choose(
    rng: random.Random, source: SourceNotebook, answers: Sequence[Answer], kind: Kind
) -> Paper:
    """Choose a student's answers so that the bank can predict their score.

    An answer that would change what another one does, in a way that the bank doesn't say, is left
    out; the reference stands in its place.
    """
    exercises = source.exercises
    if kind.blank == 1:
        return Paper(blank=frozenset(exercise.id for exercise in exercises))
    paper = Paper()
    for exercise in rng.sample(exercises, len(exercises)):
        draw, mine = rng.random(), [a for a in answers if a.exercise == exercise.id]
        if draw < kind.blank:
            changed = Paper(paper.answers, paper.blank | {exercise.id})
        elif pool := [a for a in mine if a.right == (draw >= kind.blank + kind.wrong)]:
            if pool[0].right and rng.random() >= kind.other:
                continue
            changed = Paper({**paper.answers, exercise.id: rng.choice(pool)}, paper.blank)
        else:
            continue
        if is_predicted(source, changed):
            paper = changed
    return paper


def damaged(rng: random.Random, source: SourceNotebook, paper: Paper, damage: str) -> Paper:
    """Return what is left of a paper whose file is damaged, such that it can be predicted."""
    everything = [exercise.id for exercise in source.exercises]
    if damage == "junk":
        return Paper(blank=frozenset(everything), junk=True)
    if damage != "cut":
        return paper
    rest = []
    for place in range(1, len(everything)):
        lost = frozenset(everything[place:])
        kept = {key: answer for key, answer in paper.answers.items() if key not in lost}
        rest.append(Paper(kept, paper.blank | lost, cut=everything[place]))
    rest.append(Paper(blank=frozenset(everything), cut=everything[0]))
    return rng.choice([left for left in rest if is_predicted(source, left)])


def is_predicted(source: SourceNotebook, paper: Paper) -> bool:
    """Tell whether the bank's entries say all about how these answers act on each other.

    They do if at most one wrong answer, and nothing blank, lies beneath each exercise, and if all
    that a wrong answer acts on is otherwise answered with the reference.
    """
    wrong = {key for key, answer in paper.answers.items() if not answer.right}
    texts = {key: answer.source for key, answer in paper.answers.items()}
    for exercise in source.exercises:
        if exercise.id in paper.blank:
            continue
        below = beneath(source, exercise, texts)
        acting = {key for key in wrong if exercise.id in paper.answers[key].knock_on}
        if below & paper.blank:
            return False
        found = (below & wrong) | acting
        if found and (exercise.id in paper.answers or len(found) > 1):
            return False
    return True


def write_paper(path: Path, source: SourceNotebook, paper: Paper, words: bool) -> None:
    """Fill a released notebook in, as a student would, and damage the file if the paper says so."""
    nb = read(path)
    reference = {grade_id(cell): cell.source for cell in source.notebook.cells}
    end = ""
    for cell in filter(is_solution, nb.cells):
        key = grade_id(cell)
        if is_manual(cell):
            if words:
                cell.source = reference[key].split(BEGIN_SCHEME)[0].rstrip("= \n")
        elif key not in paper.blank:
            answer = paper.answers.get(key)
            cell.source = answer.source if answer else unmarked(reference[key])
        if key == paper.cut:
            end = f'"id": "{cell.id}"'
    text = nbformat.writes(nb).encode()  # type: ignore[no-untyped-call]
    if paper.junk:
        text = random.Random(SEED).randbytes(len(text))
    path.write_bytes(text[: text.index(end.encode())] if end else text)
