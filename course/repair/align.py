"""Bring submitted cells in line with the released ones.

A released cell that nbgrader knows of is sought by its mark (grade_id), then by cell id, by its
text, by the functions that it defines, and at last by its place. Set-up and test cells always have
the released text. Knows neither files nor nbgrader's pipeline; runs nothing.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from nbformat import NotebookNode
from nbgrader.utils import is_locked

from course.notebooks.cells import (
    TEST_PREFIX,
    grade_id,
    is_setup,
    is_test,
    name_before,
    names_before,
)
from course.repair.celltext import (
    added,
    compiles,
    defined,
    definitions,
    fenced,
    has_statements,
    joined,
    lines,
    visible,
)
from course.repair.salvage import SalvagedCell

ONE_BY_ONE = 3  # cells of a kind that are named, though all of them had the same fate
MOST_MARKS = 5  # unknown marks that are named
BLOCK = 20  # characters of a cell's text that can't be alike by chance
LOST = "had lost nbgrader's (mark|marks)"
TEXT = "(its text|their texts)"  # by which a cell, or cells, are known
FUNCTION = "(the function that it defines|the functions that they define)"
ALIKE = 0.5  # share of a cell's text that another must have to be taken for it
PARTS = 8  # into which a cell may have been split


@dataclass(eq=False)
class Matched(SalvagedCell):
    """A submitted cell, and the number of the released cell that it stands for, if it does."""

    slot: int | None = None

    @property
    def text(self) -> str:
        """Its visible text."""
        return visible(self.source)

    @property
    def names(self) -> set[str]:
        """The functions, classes and variables that it defines."""
        return defined(self.source)


@dataclass(frozen=True, eq=False)
class Slot:
    """A released cell, for which the submitted one is sought.

    Attributes:
        number: its place in the released notebook.
        cell: the cell.
    """

    number: int
    cell: NotebookNode

    @cached_property
    def mark(self) -> str:
        """Its grade_id; an empty string if nbgrader knows nothing of it."""
        return grade_id(self.cell)

    @cached_property
    def text(self) -> str:
        """Its visible text."""
        return visible(self.cell.source)

    @cached_property
    def locked(self) -> bool:
        """Whether the text is the instructor's alone: a set-up or test cell."""
        return bool(self.mark) and bool(is_locked(self.cell))

    @cached_property
    def answer(self) -> bool:
        """Whether the student writes in it."""
        return bool(self.mark) and not self.locked

    @cached_property
    def names(self) -> frozenset[str]:
        """The functions and classes that an answer in code is to define."""
        if not self.answer or self.cell.cell_type != "code":
            return frozenset()
        found = {definition.name for definition in definitions(self.text) if definition.proper}
        return frozenset((found or {self.mark}) | ({before} if (before := self.before) else set()))

    @cached_property
    def before(self) -> str:
        """How the exercise was called when it was released before; empty if it is the same."""
        return name_before(self.cell)

    @cached_property
    def kind(self) -> str:
        """What to call it and its like in a note."""
        if is_test(self.cell):
            return "(test|tests) of"
        return "set-up (cell|cells)" if is_setup(self.cell) else "(cell|cells) of"

    @cached_property
    def title(self) -> str:
        """Its name in a note."""
        return f"`{self.mark.removeprefix(TEST_PREFIX) if is_test(self.cell) else self.mark}`"

    def is_touched(self, cell: Matched) -> bool:
        """Tell whether a cell holds anything but what the student was given."""
        return cell.text not in ("", self.text)


@dataclass
class Alignment:
    """The work of aligning: `cells` is brought into its final form step by step.

    Attributes:
        given: the released notebook's cells.
        submitted: the cells that were handed in; not changed.
        cells: the cells as they are to be, after `run`.
    """

    given: Sequence[NotebookNode]
    submitted: Sequence[SalvagedCell]
    cells: list[Matched] = field(init=False)

    def __post_init__(self) -> None:
        self.cells = [Matched(**vars(cell)) for cell in self.submitted]
        self._slots = [Slot(number, cell) for number, cell in enumerate(self.given)]
        self._marked = [slot for slot in self._slots if slot.mark]
        self._exercises = {name: slot for slot in self._marked for name in slot.names}
        self._altered: list[Slot] = []  # locked cells whose text the student changed
        self._remarks: list[str] = []
        self._said: dict[tuple[str, str], set[Slot]] = defaultdict(set)

    def run(self) -> None:
        """Align."""
        self._look_at_marks()
        self._change_back()
        self._know_plain_cells()
        self._cut_out_merged()
        claims = self._claims()
        for slot in self._marked:
            settle = self._settle_locked if slot.locked else self._settle_answer
            if claims[slot.number]:
                settle(slot, claims[slot.number])
        self._drop_remains()
        for slot in self._marked:
            if slot.names:
                self._mend_split(slot)
        self._take_apart()
        for slot in self._marked:
            if slot.answer and self._is_open(slot):
                self._seek(slot)
        self._restore_order()
        self._restore_missing()
        self._name_anew()

    def notes(self) -> list[str]:
        """Return what was done, a sentence each."""
        sentences = list(self._remarks)
        every = Counter(slot.kind for slot in self._marked)
        for (kind, predicate), slots in self._said.items():
            titles = [slot.title for slot in sorted(slots, key=lambda slot: slot.number)]
            which = _listed(titles, "and")
            if len(titles) == every[kind] > ONE_BY_ONE:
                which = "all exercises" if kind.endswith("of") else "all"
            sentences.append(_numbered(f"The {kind} {which} {predicate}", len(titles)))
        return sentences

    def _tell(self, slot: Slot, predicate: str) -> None:
        """Write down what was done with a cell, for `_numbered`."""
        self._said[slot.kind, predicate].add(slot)

    def _own(self) -> list[Matched]:
        """Return the cells that stand for no released cell."""
        return [cell for cell in self.cells if cell.slot is None]

    def _holder(self, slot: Slot) -> Matched | None:
        return next((cell for cell in self.cells if cell.slot == slot.number), None)

    def _is_open(self, slot: Slot) -> bool:
        """Tell whether nothing has been found yet that answers a question."""
        cell = self._holder(slot)
        return cell is None or not slot.is_touched(cell)

    def _drop(self, cells: set[Matched]) -> None:
        self.cells = [cell for cell in self.cells if cell not in cells]

    def _exercises_in(self, cell: Matched) -> set[Slot]:
        """Return the exercises whose functions a cell defines."""
        return {self._exercises[name] for name in cell.names if name in self._exercises}

    # --- what is clear at once --------------------------------------------------------------------

    def _look_at_marks(self) -> None:
        """Say which marks are of an older form, or of no cell of the assignment; forget these."""
        known = {slot.mark for slot in self._marked}
        renamed = {old: new for new, old in names_before(self.given).items()}
        for cell in self.cells:
            if cell.mark in renamed:
                cell.marks = {**cell.marks, "grade_id": renamed[cell.mark]}
        older, unknown = False, []
        for cell in self.cells:
            older |= bool(cell.mark) and cell.marks.get("schema_version", 3) in (0, 1, 2)
            if cell.mark not in known:
                unknown += [cell.mark] if cell.mark else []
                cell.marks = {}
        if older:
            self._remarks.append("nbgrader's marks were of an older form; they were renewed.")
        if names := [f"`{_short(name)}`" for name in dict.fromkeys(unknown)]:
            more = [f"{len(names) - MOST_MARKS} more"] if len(names) > MOST_MARKS else []
            known_by = _listed([*names[:MOST_MARKS], *more], "or")
            ignored = _numbered("(it was|they were) ignored", len(names))
            self._remarks.append(f"No cell of this assignment has the mark {known_by}; {ignored}.")

    def _change_back(self) -> None:
        """Give marks back to the cells that they belong to, where some have changed places."""
        by_text = {slot.text: slot for slot in self._marked if slot.locked}
        by_mark = {slot.mark: slot for slot in self._marked}
        right: dict[Matched, Slot] = {}
        for cell in self.cells:
            slot = by_mark.get(cell.mark)
            if slot and slot.locked and cell.text != slot.text and cell.text in by_text:
                right[cell] = by_text[cell.text]
            elif slot and slot.names and not slot.names & cell.names:
                others = list(self._exercises_in(cell))
                if len(others) == 1:
                    right[cell] = others[0]
        taken = {slot.mark for slot in right.values()}
        for cell, slot in right.items():
            if cell.mark in taken:  # it is a change of places: what stood there has gone elsewhere
                cell.marks = dict(slot.cell.metadata.nbgrader)
                self._tell(slot, "had (its|their) nbgrader marks changed; they were put back.")

    def _know_plain_cells(self) -> None:
        """Recognise the released texts and plots, of which nbgrader knows nothing."""
        plain = [slot for slot in self._slots if not slot.mark]
        by_text = {slot.text: slot for slot in plain}
        by_id = {slot.cell.get("id"): slot for slot in plain}
        taken: set[Slot] = set()
        for cell in self.cells:
            slot = None if cell.mark else by_text.get(cell.text)
            if slot and slot not in taken:
                cell.slot = slot.number
                taken.add(slot)
        for cell in self._own():
            slot = None if cell.mark else by_id.get(cell.id)
            if slot and slot not in taken and not self._exercises_in(cell):
                cell.slot = slot.number
                taken.add(slot)

    def _cut_out_merged(self) -> None:
        """Take released cells that were merged into others, or lost their marks, out by text."""
        marks = {cell.mark for cell in self.cells}
        known = {cell.slot for cell in self.cells}
        missing = [
            slot
            for slot in self._slots
            if slot.number not in known and not slot.answer and slot.mark not in marks - {""}
        ]
        texts = {cell: cell.text for cell in self._own()}
        for slot in sorted(missing, key=lambda slot: len(slot.text), reverse=True):
            for cell, text in texts.items():
                parts = _parts(cell, text, slot) if slot.text and slot.text in text else []
                if not parts:
                    continue
                index = self.cells.index(cell)
                self.cells[index : index + 1] = parts
                del texts[cell]
                texts |= {part: part.text for part in parts if part.slot is None}
                if slot.mark:
                    found = f"(was|were) recognized by {TEXT}"
                    if len(parts) > 1:
                        self._tell(slot, f"{found} and cut out of (another cell|other cells).")
                    else:
                        self._tell(slot, f"{LOST} and {found}.")
                break

    def _claims(self) -> dict[int, list[Matched]]:
        """Return the cells that may be each slot's: by mark, or else by id, or else by text."""
        by_mark = {slot.mark: slot.number for slot in self._marked}
        by_id = {slot.cell.get("id"): slot.number for slot in self._marked}
        claims = defaultdict(list)
        for cell in self.cells:
            if cell.mark:
                claims[by_mark[cell.mark]].append(cell)
            elif cell.slot is not None:
                claims[cell.slot].append(cell)
        known = set(claims)
        unmarked = [cell for cell in self._own() if not cell.mark]
        for cell in unmarked:
            if cell.id in by_id and by_id[cell.id] not in known:
                claims[by_id[cell.id]].append(cell)
        missing = [slot for slot in self._marked if slot.number not in claims]
        for slot, cell in self._alike(missing, unmarked):
            claims[slot.number].append(cell)
        return claims

    def _alike(self, slots: Sequence[Slot], cells: Sequence[Matched]) -> list[tuple[Slot, Matched]]:
        """Return the cells that hold most of a missing cell's text."""
        weights = {slot: sum(map(len, lines(slot.text))) for slot in slots}
        by_line: dict[str, set[Slot]] = defaultdict(set)
        for slot in slots:
            for line in lines(slot.text) if weights[slot] >= BLOCK else ():
                by_line[line].add(slot)
        found = []
        for cell in cells:
            shared: dict[Slot, int] = defaultdict(int)
            for line in set(lines(cell.text)):
                for slot in by_line.get(line, ()):
                    shared[slot] += len(line)
            best = max(shared, key=lambda slot: shared[slot] / weights[slot], default=None)
            if best is None or shared[best] < ALIKE * weights[best]:
                continue
            if self._exercises_in(cell) <= {best}:
                found.append((best, cell))
        return found

    # --- set-up and test cells --------------------------------------------------------------------

    def _settle_locked(self, slot: Slot, claims: Sequence[Matched]) -> None:
        """Let one cell stand for a set-up or test cell, with the instructor's text."""
        exact = [cell for cell in claims if cell.text == slot.text]
        chosen = (exact or claims)[0]
        self._take(slot, chosen, TEXT)
        if len(claims) > 1:
            self._tell(slot, "stood in the notebook more than once; (one|one of each) is kept.")
        if not exact:
            self._altered.append(slot)
            self._tell(slot, "(was|were) not as released; the course's own text is used.")
            addition = added(slot.text, chosen.source)
            if has_statements(addition):
                index = self.cells.index(chosen) + is_setup(slot.cell)
                self.cells.insert(index, Matched("code", addition))
        chosen.source = slot.cell.source
        self._give_up(slot, [cell for cell in claims if cell is not chosen])

    def _give_up(self, slot: Slot, copies: Sequence[Matched]) -> None:
        """Drop copies that hold nothing but a slot's own lines; let others be the student's own."""
        known = set(lines(slot.text))
        self._drop({copy for copy in copies if known.issuperset(lines(copy.text))})
        for copy in copies:
            copy.marks = {}

    def _drop_remains(self) -> None:
        """Drop the cells beside a changed locked cell that hold nothing but its lines."""
        for slot in self._altered:
            known = set(lines(slot.text))
            index = next(i for i, cell in enumerate(self.cells) if cell.slot == slot.number)
            beside = self.cells[max(index - 1, 0) : index] + self.cells[index + 1 : index + 2]
            self._drop(
                {c for c in beside if c.slot is None and known.issuperset(lines(c.text) or [""])}
            )

    def _take(self, slot: Slot, cell: Matched, how: str) -> None:
        """Let a cell stand for a slot; say how it was known, and what was wrong with its marks."""
        if cell.slot == slot.number:
            return
        cell.slot = slot.number
        if not cell.mark:
            by_id = cell.id and cell.id == slot.cell.get("id")
            known = "(its cell id|their cell ids)" if by_id else how
            self._tell(slot, f"{LOST} and (was|were) recognized by {known}.")
        elif cell.mark == slot.mark and _flags(cell.marks) != _flags(slot.cell.metadata.nbgrader):
            self._tell(slot, "had (its|their) nbgrader marks changed; they were put back.")
        if cell.kind != slot.cell.cell_type:
            kind = {"code": "code", "markdown": "text"}.get(cell.kind, "raw text")
            self._tell(slot, f"had been turned into {kind} and (was|were) turned back.")

    # --- answers ----------------------------------------------------------------------------------

    def _settle_answer(self, slot: Slot, claims: Sequence[Matched]) -> None:
        """Choose the copy that counts: the last changed one that defines the exercise's names."""
        changed = [cell for cell in claims if slot.is_touched(cell)]
        defining = [cell for cell in changed if slot.names & cell.names]
        different = {cell.source.strip() for cell in changed}
        if len(different) > 1 and len(changed) <= PARTS and len(defining) < 2:
            changed = self._join_neighbours(slot, changed)
            defining = [cell for cell in changed if slot.names & cell.names]
        chosen = (defining or changed or claims)[-1]
        still = set(self.cells)
        others = [cell for cell in claims if cell is not chosen and cell in still]
        if others:
            which = "changed one" if len(changed) == 1 else "last one"
            which += " that defines its function" if len(changed) > 1 and defining else ""
            fate = f"(the|of each, the) {which} counts" if changed else "(one|one of each) is kept"
            self._tell(slot, f"stood in the notebook more than once; {fate}.")
        self._take(slot, chosen, FUNCTION if slot.names & chosen.names else TEXT)
        self._take_out_of_fence(slot, chosen)
        self._give_up(slot, others)

    def _take_out_of_fence(self, slot: Slot, cell: Matched) -> None:
        """Let an answer in code that stands in Markdown's fences stand there as code."""
        code = fenced(cell.source)
        if slot.names & defined(code) and not compiles(cell.source) and compiles(code):
            cell.source = code
            self._tell(slot, "stood in Markdown's fences and (was|were) taken out.")

    def _join_neighbours(self, slot: Slot, parts: Sequence[Matched]) -> list[Matched]:
        """Join those parts of an answer that stand side by side; return what there is then."""
        wholes = [parts[0]]
        for part in parts[1:]:
            if self.cells.index(part) == self.cells.index(wholes[-1]) + 1:
                self._join(slot, wholes[-1], wholes[-1], part)
            else:
                wholes.append(part)
        return wholes

    def _join(self, slot: Slot, into: Matched, first: Matched, second: Matched) -> None:
        """Join two cells into one of them."""
        into.source = joined(first.source, second.source, slot.names)
        self._drop({first, second} - {into})
        self._tell(slot, "had been split; (its|their) parts were joined.")

    def _mend_split(self, slot: Slot) -> None:
        """Join an answer with neighbours of no mark if one can't run without the other."""
        while any(self._mend_one(slot, step) for step in (1, -1)):
            pass

    def _mend_one(self, slot: Slot, step: int) -> bool:
        """Join an answer with the neighbour below, or above, and tell whether that was needed."""
        cell = self._holder(slot)
        index = self.cells.index(cell) + step if cell else -1
        if cell is None or not slot.is_touched(cell) or not 0 <= index < len(self.cells):
            return False
        other = self.cells[index]
        if other.slot is not None or other.kind != "code" or not other.text:
            return False
        if compiles(cell.source) and compiles(other.source):
            return False
        first, second = (cell, other) if step == 1 else (other, cell)
        whole = joined(first.source, second.source, slot.names)
        if compiles(whole) and slot.names & defined(whole):
            self._join(slot, cell, first, second)
            return True
        return False

    def _take_apart(self) -> None:
        """Take apart cells that hold the answers to several questions.

        Another question's answer keeps all that it holds, in case it needs it, and what answers
        open questions is copied from it.
        """
        wanted = {slot for slot in self._marked if slot.names and self._is_open(slot)}
        for cell in list(self.cells) if wanted else ():
            if cell.slot is not None and not self._slots[cell.slot].answer:
                continue
            if not self._exercises_in(cell) & wanted:
                continue
            parts = self._exercises_apart(cell)
            index = self.cells.index(cell)
            if cell.slot is None:
                self.cells[index : index + 1] = parts
            else:
                self.cells[index + 1 : index + 1] = [
                    part
                    for part in parts
                    for slot in self._exercises_in(part) & wanted
                    if slot.number != cell.slot and slot.is_touched(part)
                ]

    def _exercises_apart(self, cell: Matched) -> list[Matched]:
        """Return a cell cut before each exercise's definitions, all but the first."""
        owners = [
            (definition.start, self._exercises[definition.name])
            for definition in definitions(cell.source)
            if definition.name in self._exercises
        ]
        cuts = [start for (_, a), (start, b) in pairwise(owners) if a is not b]
        bounds = zip([0, *cuts], [*cuts, len(cell.source)], strict=True)
        texts = [cell.source[start:end].strip("\n") for start, end in bounds]
        return [Matched(cell.kind, text) for text in texts] if cuts else [cell]

    def _seek(self, slot: Slot) -> None:
        """Look for the answer to a question that seems to have none."""
        old = self._holder(slot)
        found, how = self._by_function(slot), FUNCTION
        if found is None:
            found, how = self._by_place(slot, old), "(its place|their places)"
        if found is None and slot.cell.cell_type != "code":
            found = self._words_above(slot, old) or self._only_words(slot)
        if found is None:
            return
        if old:
            self._drop({old})
            found.slot = slot.number
            found_in = "(the answer was found in another cell|the answers were found in others)"
            self._tell(slot, f"(was|were) as released; {found_in}.")
        else:
            self._take(slot, found, how)
        if slot.names:
            self._take_out_of_fence(slot, found)

    def _by_function(self, slot: Slot) -> Matched | None:
        """Return the last cell of the student's own that defines what the answer is to define."""
        for cell in reversed(self._own()):
            is_code = cell.kind == "code" or any(map(compiles, (cell.source, fenced(cell.source))))
            if slot.names & cell.names and slot.is_touched(cell) and is_code:
                return cell
        return None

    def _by_place(self, slot: Slot, old: Matched | None) -> Matched | None:
        """Return the student's own text where an answer in words should stand, joined in one cell.

        Args:
            slot: the question.
            old: its cell, untouched, if it is there: then text right below it is meant.
        """
        before = slot.number if old else slot.number - 1
        index = next((i for i, cell in enumerate(self.cells) if cell.slot == before), None)
        if index is None or slot.cell.cell_type == "code":
            return None
        run = []
        for cell in self.cells[index + 1 :]:
            if cell.slot is not None:
                break
            run.append(cell)
        texts = [c for c in run if c.text and (c.kind != "code" or not compiles(c.source))]
        if not any(map(slot.is_touched, texts)):
            return texts[0] if texts and not old else None
        texts = [cell for cell in texts if slot.is_touched(cell)]
        texts[0].source = "\n\n".join(cell.source for cell in texts)
        for cell in texts[1:]:
            texts[0].attachments |= cell.attachments
        self._drop(set(texts[1:]))
        return texts[0]

    def _name_anew(self) -> None:
        """Give what was written under an exercise's earlier name its name of today too."""
        for slot in self._marked:
            cell = self._holder(slot) if slot.before and slot.names else None
            if cell and slot.before in cell.names and slot.mark not in cell.names:
                cell.source = f"{cell.source.rstrip()}\n\n{slot.mark} = {slot.before}"
                self._tell(slot, "(was|were) handed in under (its|their) earlier (name|names).")

    def _words_above(self, slot: Slot, old: Matched | None) -> Matched | None:
        """Return the student's own words above a question, in cells of their own or in its text."""
        above = [
            i for i, cell in enumerate(self.cells) if cell.slot in (slot.number, slot.number - 1)
        ]
        index = self.cells.index(old) if old else max(above, default=-1) + 1
        words: list[str] = []
        own: list[Matched] = []
        for cell in reversed(self.cells[:index]):
            given = None if cell.slot is None else self._slots[cell.slot]
            if cell.kind == "code" or (given and given.mark):
                break
            text = cell.source if given is None else added(given.text, cell.source)
            if text.strip():
                words.insert(0, text)
            if given is None:
                own.append(cell)
            elif text.strip():
                cell.source = given.cell.source
        if not words:
            return None
        found = own[0] if own else Matched("markdown", "")
        if not own:
            self.cells.insert(index, found)
        found.source = "\n\n".join(words)
        for cell in own[1:]:
            found.attachments |= cell.attachments
        self._drop(set(own[1:]))
        return found

    def _only_words(self, slot: Slot) -> Matched | None:
        """Return the one text of the student's own, if one question alone waits for words."""
        opened = [s for s in self._marked if s.answer and not s.names and self._is_open(s)]
        texts = [c for c in self._own() if c.kind != "code" and c.text and slot.is_touched(c)]
        return texts[0] if opened == [slot] and len(texts) == 1 else None

    # --- order ------------------------------------------------------------------------------------

    def _restore_order(self) -> None:
        """Move the fewest marked cells so that all stand in the released order."""
        there = {
            cell.slot: cell
            for cell in self.cells
            if cell.slot is not None and self._slots[cell.slot].mark
        }
        moved = set(there) - set(_longest_rising(list(there)))
        self._drop({there[number] for number in moved})
        for number in sorted(moved):
            self.cells.insert(self._place(self._slots[number]), there[number])
            self._tell(
                self._slots[number],
                "stood (at another place|at other places) and (was|were) put back.",
            )

    def _restore_missing(self) -> None:
        """Put cells that are nowhere to be found where they were, as released."""
        there = {cell.slot for cell in self.cells}
        for slot in self._marked:
            if slot.number in there:
                continue
            cell = Matched(slot.cell.cell_type, slot.cell.source, slot=slot.number)
            self.cells.insert(self._place(slot), cell)
            what = "put back" if slot.locked else "(counts|count) as not answered"
            self._tell(slot, f"(was|were) missing and {what}.")

    def _place(self, slot: Slot) -> int:
        """Return where to insert a marked cell: among its released neighbours.

        A set-up cell comes before the student's own cells there, an answer or a test after them.
        """
        numbers = [-1 if cell.slot is None else cell.slot for cell in self.cells]
        marked = [number >= 0 and bool(self._slots[number].mark) for number in numbers]
        places = range(len(numbers))
        low = max((i + 1 for i in places if marked[i] and numbers[i] < slot.number), default=0)
        high = min((i for i in places[low:] if marked[i]), default=len(numbers))
        low = max((i + 1 for i in places[low:high] if 0 <= numbers[i] < slot.number), default=low)
        high = min((i for i in places[low:high] if numbers[i] > slot.number), default=high)
        return low if is_setup(slot.cell) else high


def _numbered(sentence: str, count: int) -> str:
    """Return a sentence about one thing or several: of "(one|several)" it keeps the right one."""
    return re.sub(r"\(([^()|]*)\|([^()|]*)\)", r"\1" if count == 1 else r"\2", sentence)


def _listed(items: Sequence[str], word: str) -> str:
    """Return a list in words: "a", "a and b", "a, b and c"."""
    return f" {word} ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


def _short(name: str) -> str:
    """Return a mark that anything may stand in so that it can be shown."""
    return "".join(letter if letter.isalnum() or letter in "_-" else "?" for letter in name[:40])


def _flags(marks: dict[str, Any]) -> list[Any]:
    """Return what nbgrader's marks say of a cell's role and worth."""
    grade, solution, task = (marks.get(key) or False for key in ("grade", "solution", "task"))
    locked = marks.get("locked") or (grade and not solution)
    return [grade, solution, task, locked, grade and marks.get("points")]


def _parts(cell: Matched, text: str, slot: Slot) -> list[Matched]:
    """Cut a released cell's text out of a cell; return nothing if it is not in it, line by line.

    What stands before it keeps the cell's mark and id, or else what stands after it.
    """
    given = Matched(slot.cell.cell_type, slot.cell.source, slot=slot.number)
    if text == slot.text:
        return [given]
    start = f"\n{text}\n".find(f"\n{slot.text}\n")
    if start < 0 or len(slot.text) < BLOCK:
        return []
    before, after = text[:start].strip("\n"), text[start + len(slot.text) :].strip("\n")
    if not before:
        return [given, replace(cell, source=after)]
    return [replace(cell, source=before), given, *([Matched(cell.kind, after)] if after else [])]


def _longest_rising(numbers: Sequence[int]) -> list[int]:
    """Return a longest rising subsequence of numbers that all differ."""
    best: list[list[int]] = []
    for index, number in enumerate(numbers):
        before = (best[i] for i in range(index) if best[i][-1] < number)
        best.append([*max(before, key=len, default=[]), number])
    return max(best, key=len, default=[])
