"""Several subjects, several seeds, many columns: who is best, what is tied, and how far a mean may lie off."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from eegbench import statistics
from perf.simulations import before
from perf.simulations.table import COVERAGE, COVERS, LEVEL, POWER, TEST, Row

STIMULI = 200
NOISE = 0.227  # of a difference of two equal methods on one stimulus and subject

Array = NDArray[np.float64]


def equals(rng: np.random.Generator, subjects: int, spread: float, *, ease: float = 0.0, noise: float = NOISE) -> Array:
    """Differences of two equal methods, (subjects, STIMULI).

    spread: how far the methods differ from subject to subject. ease: from stimulus to stimulus, for all subjects.
    """
    of_subjects = spread * rng.normal(size=(subjects, 1))
    return of_subjects + ease * rng.normal(size=STIMULI) + noise * rng.normal(size=(subjects, STIMULI))


def ties(short: bool) -> Iterator[Row]:
    """How often two equal methods are called different."""
    cases = 300 if short else 3000
    plan = (
        ((2, 0.02), (10, 0.04))
        if short
        else ((2, 0.02), (3, 0.02), (5, 0.02), (10, 0.02), (2, 0.04), (3, 0.04), (10, 0.04))
    )
    for subjects, spread in plan:
        yield _tie(f"{subjects} subjects, method by subject {spread}", cases, subjects, spread)
    if not short:
        yield _tie("1 subject, 5 fits, fit .01 (before: one fit)", cases, 5, 0.01, looked_at=1)
        yield _tie("1 subject, 3 fits, fit .01 (before: one fit)", cases, 3, 0.01, looked_at=1)
        for ease, noise in ((0.1, 0.2), (0.2, 0.1)):
            for subjects in (2, 3, 10):
                what = f"{subjects} subjects, .02, method by stimulus {ease}, noise {noise}"
                yield _tie(what, cases, subjects, 0.02, ease=ease, noise=noise, fault=ease < 0.2)
        for subjects in (2, 3):
            yield _tie(f"{subjects} subjects, no method by subject", cases, subjects, 0.0, fault=False)


def _tie(
    what: str,
    cases: int,
    subjects: int,
    spread: float,
    *,
    ease: float = 0.0,
    noise: float = NOISE,
    looked_at: int | None = None,
    fault: bool = True,
) -> Row:
    rng = np.random.default_rng([subjects, int(1000 * spread), int(100 * ease)])
    old, new = 0, 0
    for seed in range(cases):
        table = equals(rng, subjects, spread, ease=ease, noise=noise)
        old += before.pooled_sign_flip(table[:looked_at], seed=seed, permutations=300) <= 0.05
        new += statistics.crossed(table).p <= 0.05
    wanted = LEVEL if subjects == 10 else TEST
    return Row(f"equals called different: {what}", old / cases, new / cases, wanted, cases, fault=fault)


def seeds(short: bool) -> Iterator[Row]:
    """The interval of one subject's mean over several seeds; fits differ by .02."""
    cases = 500 if short else 3000
    for fits in (2,) if short else (2, 3, 5, 10):
        rng = np.random.default_rng(fits)
        old, new = 0, 0
        for _ in range(cases):
            table = equals(rng, fits, 0.02, ease=0.166, noise=0.197)
            old += before.holds(before.rows_by_stimuli(table), 0.0)
            new += before.holds(statistics.crossed(table).interval(), 0.0)
        wanted = COVERS if fits == 2 else COVERAGE  # of two fits any narrower rule misses where fits differ much
        yield Row(f"one subject, {fits} seeds: coverage", old / cases, new / cases, wanted, cases, fault=fits < 10)


def subjects(short: bool) -> Iterator[Row]:
    """The interval of a mean over subjects who saw the same stimuli, and over subjects who saw others."""
    cases = 500 if short else 3000
    for count in (3,) if short else (2, 3, 5, 10):
        for parts in ((0.2, 1.0, 1.0), (0.05, 1.0, 1.0), (1.0, 0.5, 0.5)):
            rng = np.random.default_rng([count, int(100 * parts[0])])
            tables = [equals(rng, count, parts[0], ease=parts[1], noise=parts[2]) for _ in range(cases)]
            new = [before.holds(statistics.crossed(one).interval(), 0.0) for one in tables]
            yield Row(f"{count} subjects, deviations {parts}: coverage", None, float(np.mean(new)), COVERS, cases)
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(cases):
        apart = np.full((5, 5 * STIMULI), np.nan)
        for row, own in enumerate(equals(rng, 5, 0.02)):
            apart[row, row * STIMULI : (row + 1) * STIMULI] = own
        hits += before.holds(statistics.crossed(apart).interval(), 0.0)
    yield Row("5 subjects, each with other stimuli: coverage", None, hits / cases, COVERAGE, cases)
    yield from folds(short)


def folds(short: bool) -> Iterator[Row]:
    """Leave-one-subject-out: the training sets overlap. shared: what a training subject gives to a fold's score."""
    cases = 1000 if short else 5000
    for count in (5, 10):
        for shared in (0.3, 0.45):
            rng = np.random.default_rng([count, int(10 * shared)])
            old, new = 0, 0
            for _ in range(cases):
                gives = shared * rng.normal(size=count)
                trained = (gives.sum() - gives) / np.sqrt(count - 1)
                means = 0.05 * (rng.normal(size=count) + trained)
                table = means[:, None] + equals(rng, count, 0.0)
                plain = statistics.crossed(table)
                old += before.holds(plain.interval(), 0.0)
                new += before.holds(statistics.crossed(table, shared_training=True).interval(), 0.0)
            yield Row(
                f"{count} folds, training subjects give {shared}: coverage",
                old / cases,
                new / cases,
                COVERS if shared < 0.4 else (0.9, 1.0),
                cases,
                fault=shared > 0.4 and count == 10,
            )


COLUMNS = 16
ALIKE = 0.85  # of the variance of a method's value on a stimulus, what all columns share


def selection(short: bool) -> Iterator[Row]:
    """Sixteen columns of equals, one subject: how often a method is called worse than the best of its column."""
    for methods, cases in ((2, 100),) if short else ((2, 200), (5, 100), (10, 50)):
        rng = np.random.default_rng(methods)
        old, primary, every = np.mean([_board(rng, methods) for _ in range(cases)], axis=0).tolist()
        what = f"{methods} equals, {COLUMNS} columns: a method is called worse"
        wanted = TEST if methods == 2 else None
        yield Row(f"{what}; now in the primary", old, primary, wanted, cases, fault=methods == 2)
        yield Row("    by Holm over columns and methods", old, every, wanted, cases, fault=methods == 2)
        yield _selected(methods, 300 if short else 3000)
    yield from subjects_selected(short)


def _board(rng: np.random.Generator, methods: int) -> tuple[bool, bool, bool]:
    """Is a method called worse: by the old rule; in the first column; by Holm over all columns?"""
    shared, own = rng.normal(size=(methods, 1, STIMULI)), rng.normal(size=(methods, COLUMNS, STIMULI))
    values = NOISE / np.sqrt(2) * (np.sqrt(ALIKE) * shared + np.sqrt(1 - ALIKE) * own)
    old, tests = False, []
    for column in range(COLUMNS):
        best = int(values[:, column].mean(axis=1).argmax())
        differences = np.delete(values[best, column] - values[:, column], best, axis=0)
        flips = statistics.sign_flip_ps(differences, seed=column, permutations=2000)
        old |= bool((statistics.holm(flips) <= 0.05).any())
        # Most differences are plain: where the flips alone are far above the level, the full test is above it too.
        exact = [
            p if p > 0.1 else statistics.paired_test(row, seed=column, permutations=1500 * methods).p
            for p, row in zip(flips, differences, strict=True)
        ]
        tests.append(exact)
    primary = bool((statistics.holm(tests[0]) <= 0.05).any())
    every = bool((statistics.holm(np.concatenate(tests)) <= 0.05).any())
    return old, primary, every


def _selected(methods: int, cases: int) -> Row:
    rng = np.random.default_rng([1, methods])
    held = 0
    for _ in range(cases):
        values = rng.normal(size=(methods, STIMULI))
        _, ci = statistics.mean_interval(values[int(values.mean(axis=1).argmax())])
        held += before.holds(ci, 0.0)
    what = f"{methods} equals: the interval of the selected best holds its value"
    return Row(what, None, held / cases, None, cases)


def subjects_selected(short: bool) -> Iterator[Row]:
    """The same for one column of three subjects, by the crossed test."""
    cases = 300 if short else 2000
    for methods in (2, 5, 10):
        rng = np.random.default_rng([methods, 3])
        named, some = 0, 0
        for _ in range(cases):
            tables = np.array([equals(rng, 3, 0.02 / np.sqrt(2), noise=NOISE / np.sqrt(2)) for _ in range(methods)])
            best = int(tables.mean(axis=(1, 2)).argmax())
            others = [place for place in range(methods) if place != best]
            p = statistics.holm([statistics.crossed(tables[best] - tables[other]).p for other in others])
            worse = {place for place, one in zip(others, p, strict=True) if one <= 0.05}
            named, some = named + (0 in worse), some + bool(worse)
        yield Row(
            f"{methods} equals, 3 subjects: a method named beforehand is called worse", None, named / cases, TEST, cases
        )
        yield Row("    some method is called worse", None, some / cases, TEST, cases)


def visible(short: bool) -> Iterator[Row]:
    """How often a difference is seen that `Crossed.visible` calls visible."""
    cases = 300 if short else 2000
    for count in (2, 3, 5, 10):
        rng = np.random.default_rng([9, count])
        effect = np.mean([statistics.crossed(equals(rng, count, 0.02)).visible() for _ in range(cases)])
        seen = [statistics.crossed(effect + equals(rng, count, 0.02)).p <= 0.05 for _ in range(cases)]
        what = f"a difference of {effect:.3f}, on average called visible, {count} subjects: seen"
        yield Row(what, None, float(np.mean(seen)), POWER if count > 2 else None, cases)
