"""Show what a proof found of each file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli import report, table
from runner.cli.text import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.schema import Finding, Proof

_SHOWN = 8  # findings of one stage of one file
_DIFF = 12  # lines of one definition
_BESIDE = 25  # columns of what stands beside a path


def say(text: str, *, style: str | None = None) -> None:
    """Print a line behind its indent."""
    told = text.lstrip()
    for row in told.split("\n"):  # of what a server said
        report.sentence(row, style=style, indent=" " * (len(text) - len(told)))


def show(proof: Proof) -> None:
    """Show one file: counts first, then what was found, by stage. What was not tried is summed up later."""
    columns = report.width()
    path = shortened(proof.migration.path, columns and max(columns - _BESIDE, _BESIDE))
    without = f", without rows in {', '.join(proof.empty)}" if proof.empty else ""
    without += f", as a superuser: {proof.lacked}" if proof.lacked else ""
    if proof.needs:
        say(f"  skipped  {path} ({table.needed(proof.needs, proof.why)})", style="cyan")
    elif proof.is_proven:
        say(f"  proven   {path}{without}", style="yellow" if without else "green")
    elif proof.findings:
        say(f"  failed   {path}: {counted(len(proof.findings), 'finding')}{without}", style="bold red")
    for stage in dict.fromkeys(finding.stage for finding in proof.findings):
        _show_stage(stage, [finding for finding in proof.findings if finding.stage == stage])
    for note in proof.notes:
        say(f"    rows: {note}")


def _show_stage(stage: str, findings: Sequence[Finding]) -> None:
    say(f"    {stage} ({len(findings)})", style="red")
    for finding in findings[:_SHOWN]:
        say(f"      {finding.text}")
        for line in finding.diff[:_DIFF]:
            say(f"        {line}")
        if len(finding.diff) > _DIFF:
            say(f"        … and {counted(len(finding.diff) - _DIFF, 'line')} more (--json has all)")
    if len(findings) > _SHOWN:
        say(f"      … and {len(findings) - _SHOWN} more (--json has all)")


def summarize(series: str, proofs: Sequence[Proof]) -> None:
    """Count the files of a series by what became of them."""
    counts = {
        "proven": sum(one.is_proven for one in proofs),
        "failed": sum(bool(one.findings) for one in proofs),
        "skipped": sum(bool(one.needs) for one in proofs),
        "not tried": sum(bool(one.untried) for one in proofs),
    }
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    say(f"{series}: {counted(len(proofs), 'file')}: {told or 'nothing to prove'}.")
    if reasons := dict.fromkeys(one.untried for one in proofs if one.untried):
        say(f"  not tried because {next(iter(reasons))}", style="yellow")
