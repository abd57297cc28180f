# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a reproduction: numbers.csv, report.md, which links the pictures, and report.html, which holds them."""
import base64
import csv
import html
import io
import os
import re
from dataclasses import dataclass

from ..command import write
from . import TITLES
from .item import PRINTED, Item

NOT_COVERED = (
    "arXiv:2208.11771: nothing is left out; which detectors share a panel of figures 4 to 6 is taken from figure 9.",
    "arXiv:2409.04703: table II, renormalisation, matching to complete theories.",
    "arXiv:2411.11749: the tables, other experiments' bounds in figure 5, and everything that needs PandaX-4T's numbers per bin, which "
    "are not published; its experiment file here is a surrogate that adds up to the published totals.",
    "No paper gives its contours as numbers. What is drawn here is compared by the intervals, cuts, bounds and totals below, not line "
    "by line.")


@dataclass(frozen=True)
class Result:
    """What became of an entry."""
    item: Item
    figures: list       # names of the pictures, without folder and end
    comparisons: list
    tables: list
    files: tuple = ()   # names in tables/
    remarks: tuple = ()


# ------------------------------------------------------------------------------------------------------- words with TeX

SYMBOLS = {r"\varepsilon": "ε", r"\Lambda": "Λ", r"\overline": "", r"\bar": "", r"\theta": "θ", r"\sin": "sin", r"\times": "×",
           r"\chi": "χ", r"\Delta": "Δ", r"\phi": "φ", r"\sigma": "σ", r"\tau": "τ", r"\nu": "ν", r"\mu": "μ"}


def plain(text):
    """TeX in dollar signs as letters with <sub> and <sup>; the rest escaped for HTML."""
    parts = html.escape(text, quote=False).split("$")
    return "".join(_letters(part) if k % 2 else part for k, part in enumerate(parts))


def _letters(tex):
    for command, letter in SYMBOLS.items():
        tex = re.sub(re.escape(command) + r"(?![a-zA-Z]) ?", letter, tex)
    for sign, tag in (("_", "sub"), (r"\^", "sup")):
        tex = re.sub(sign + r"\{([^{}]*)\}", rf"<{tag}>\1</{tag}>", tex)
        tex = re.sub(sign + r"(\w)", rf"<{tag}>\1</{tag}>", tex)
    return re.sub(r"[{}\\]", "", tex)


# -------------------------------------------------------------------------------------------------------------- tables

HEAD = ["quantity", "published", "cevscan", "deviation", "", "why it differs"]


def comparison_rows(comparisons):
    for c in comparisons:
        reference = plain(c.reference) + ("" if c.source == PRINTED else " (calculation)")
        yield [plain(c.quantity), reference, plain(c.found), c.deviation, "agrees" if c.agrees else "differs", plain(c.reason)]


def summary_rows(results):
    for r in results:
        printed = [c for c in r.comparisons if c.source == PRINTED]
        differ = sum(not c.agrees for c in r.comparisons)
        yield [f"arXiv:{r.item.paper}, {r.item.number}", r.item.title, str(len(r.figures)), str(len(printed)),
               str(len(r.comparisons) - len(printed)), str(differ), r.item.tolerance]


SUMMARY_HEAD = ["entry", "", "pictures", "numbers of print", "numbers of calculations", "differ", "tolerance"]


def markdown_table(head, rows):
    rows = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]) + "\n"


def html_table(head, rows):
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"
    return "<table>\n" + "\n".join([line(head, "th"), *(line(row, "td") for row in rows)]) + "\n</table>\n"


def numbers_csv(results):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["paper", "entry", "quantity", "source", "published", "cevscan", "deviation", "agrees", "reason"])
    for r in results:
        writer.writerows([r.item.paper, r.item.number, c.quantity, c.source, c.reference, c.found, c.deviation, int(c.agrees), c.reason]
                         for c in r.comparisons)
    return text.getvalue()


# ------------------------------------------------------------------------------------------------------------ documents

class Markdown:
    """Builds a document whose pictures are links."""
    table = staticmethod(markdown_table)

    def __init__(self, title):
        self.parts = [f"# {title}\n"]

    def heading(self, level, text):
        self.parts.append("#" * level + f" {text}\n")

    def words(self, text):
        self.parts.append(text + "\n")

    def bullets(self, texts):
        self.parts.append("\n".join("- " + text for text in texts) + "\n")

    def picture(self, folder, name, caption):
        self.parts.append(f"![{re.sub('<[^>]*>', '', caption)}](figures/{name}.png)\n\n*{caption}* [PDF](figures/{name}.pdf)\n")

    def file_links(self, names):
        self.parts.append("Files: " + ", ".join(f"[{name}](tables/{name})" for name in names) + "\n")

    def add_table(self, head, rows):
        self.parts.append(self.table(head, rows))

    def text(self):
        return "\n".join(self.parts)


class Html(Markdown):
    """The same as one page that needs no other file."""
    table = staticmethod(html_table)
    STYLE = ("body{font-family:Georgia,serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}table{border-collapse:collapse;"
             "font-size:90%;margin:1em 0}td,th{border:1px solid #bbb;padding:.25em .6em;text-align:left}th{background:#eee}"
             "img{max-width:100%}figure{margin:1.5em 0}figcaption{font-style:italic}")

    def __init__(self, title):
        self.parts = [f"<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>"
                      f"<style>{self.STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n"]

    def heading(self, level, text):
        self.parts.append(f"<h{level}>{text}</h{level}>\n")

    def words(self, text):
        self.parts.append(f"<p>{text}</p>\n")

    def bullets(self, texts):
        self.parts.append("<ul>\n" + "\n".join(f"<li>{text}</li>" for text in texts) + "\n</ul>\n")

    def file_links(self, names):
        """None: the page stands alone."""

    def picture(self, folder, name, caption):
        with open(os.path.join(folder, "figures", f"{name}.png"), "rb") as file:
            data = base64.b64encode(file.read()).decode()
        alt = html.escape(re.sub("<[^>]*>", "", caption))
        self.parts.append(f'<figure><img alt="{alt}" src="data:image/png;base64,{data}"><figcaption>{caption}</figcaption></figure>\n')

    def text(self):
        return "".join(self.parts) + "</body>\n</html>\n"


def fill(document, folder, results, program):
    """The same content for both kinds."""
    document.words(f"Figures and tables of three papers, made by {html.escape(program)}: what is published beside what comes out, the "
                   "deviation, and the reason where it is larger than the tolerance. Numbers marked as calculation are not in the papers; "
                   "they come from independent programs.")
    document.add_table(SUMMARY_HEAD, [list(map(plain, row)) for row in summary_rows(results)])
    document.heading(2, "Where it differs")
    document.bullets(list(differences(results)) or ["Nowhere."])
    document.heading(2, "What is not covered")
    document.bullets(map(plain, NOT_COVERED))
    for paper in dict.fromkeys(r.item.paper for r in results):
        document.heading(2, f"arXiv:{paper}: {TITLES[paper]}")
        for r in results:
            if r.item.paper == paper:
                add_entry(document, folder, r)


def differences(results):
    """A line for each reason of an entry, with what it concerns."""
    for r in results:
        differing = [c for c in r.comparisons if not c.agrees]
        for reason in dict.fromkeys(c.reason for c in differing):
            words = "; ".join(f"{plain(c.quantity)}: published {plain(c.reference)}, here {plain(c.found)}"
                              for c in differing if c.reason == reason)
            yield f"arXiv:{r.item.paper}, {r.item.number}: {plain(reason)}. {words}."


def add_entry(document, folder, r):
    number = r.item.number[0].upper() + r.item.number[1:]
    document.heading(3, f"{number}: {plain(r.item.title)}")
    if r.item.notes or r.remarks:
        document.words(" ".join(map(plain, [*r.item.notes, *r.remarks])))
    for name in r.figures:
        document.picture(folder, name, plain(r.item.captions[name]))
    if r.item.arranged:
        add_tables(document, r)
    if r.comparisons:
        add_comparisons(document, r)
    if r.files:
        document.file_links(r.files)
    if not r.item.arranged:
        add_tables(document, r)


def add_comparisons(document, r):
    """All of them, or of those that stand in a table already the ones that differ."""
    shown = [c for c in r.comparisons if not (r.item.arranged and c.agrees)]
    words = f"Tolerance: {plain(r.item.tolerance)}." if r.item.tolerance else ""
    if r.item.arranged:
        words += f" {len(r.comparisons) - len(shown)} of {len(r.comparisons)} comparisons agree" + ("; the others:" if shown else ".")
    if words:
        document.words(words.strip())
    if shown:
        document.add_table(HEAD, list(comparison_rows(shown)))


def add_tables(document, r):
    for caption, (head, *lines) in r.tables:
        document.words(plain(caption))
        document.add_table(list(map(plain, head)), [list(map(plain, line)) for line in lines])


def write_report(folder, results, program):
    """numbers.csv, report.md and report.html; returns what is wrong with them, a line each."""
    title = "What cevscan reproduces"
    for document, name in ((Markdown(title), "report.md"), (Html(title), "report.html")):
        fill(document, folder, results, program)
        write(os.path.join(folder, name), document.text())
    write(os.path.join(folder, "numbers.csv"), numbers_csv(results))
    return faults(folder, results)


def faults(folder, results):
    """Broken links of the report, empty files, deviations without a reason."""
    found = []
    for name in ("report.md", "report.html"):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        links = re.findall(r"\]\(([^)]+)\)", text) if name.endswith(".md") else re.findall(r'(?:src|href)="(?!data:)([^"]+)"', text)
        found += [f"{name}: {link} is not there" for link in links if not link.startswith("http") and not _is_file(folder, link)]
    for r in results:
        found += [f"{r.item.number}: {c.quantity}: differs without a reason" for c in r.comparisons if not c.agrees and not c.reason]
    return found


def _is_file(folder, link):
    path = os.path.join(folder, link)
    return os.path.isfile(path) and os.path.getsize(path) > 100
