# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of words in Markdown, CSV and LaTeX (with booktabs), and text as LaTeX takes it."""
import csv
import io
import math
import re
import unicodedata

from .printable import printable

FORMATS = ("markdown", "latex", "csv")
FILE_ENDS = {"markdown": "md", "latex": "tex", "csv": "csv"}

SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
           "|": r"\textbar{}", "±": r"$\pm$", "×": r"$\times$", "∞": r"$\infty$", "≤": r"$\leq$", "≥": r"$\geq$", "∪": r"$\cup$",
           "†": r"$\dagger$", "→": r"$\to$", "−": "$-$", **{c: "\\" + c for c in "_&%#{}"}}
GREEK_CAPITALS = {"GAMMA", "DELTA", "THETA", "LAMBDA", "XI", "PI", "SIGMA", "UPSILON", "PHI", "PSI", "OMEGA"}
NO_TEX = re.compile(r"(?<!\\)(?:\\\\)*[&%#\n]|[_^]\s*$|\\$")     # in a formula that stands in a cell
NUMBER = re.compile(r"(-?)(\d+(?:\.\d+)?)(?:e([+-]?\d+))?")


def latex_text(text):
    """Text as LaTeX. What stands in dollar signs, if they come in pairs and TeX may stand there, is left alone."""
    parts = printable(text).replace(r"\$", "\0").split("$")
    if len(parts) % 2 == 0 or not all(map(may_be_tex, parts[1::2])):    # a dollar sign without a partner is one
        parts = ["\0".join(parts)]
    escaped = ["".join(map(_letter, part)) if k % 2 == 0 else part for k, part in enumerate(parts)]
    return "$".join(escaped).replace("\0", r"\$")


def may_be_tex(part):
    """Between dollar signs, in a cell of a table: nothing there ends the cell, the line or a group, and all groups are closed."""
    braces = re.sub(r"\\.|[^{}]", "", part)
    while "{}" in braces:
        braces = braces.replace("{}", "")
    return part.strip() != "" and not braces and not NO_TEX.search(part)


def _letter(c):
    """A letter of any script that pdflatex may not have: Greek ones, and digits that are raised or lowered."""
    if c in SPECIAL or c.isascii():
        return SPECIAL.get(c, c)
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (FINAL )?(\w+)", unicodedata.name(c, ""))
    if greek:
        size, final, name = greek[1], greek[2], greek[3].replace("LAMDA", "LAMBDA")
        if size == "SMALL" and name != "OMICRON":
            return rf"$\{'var' if final else ''}{name.lower()}$"
        if size == "CAPITAL" and name in GREEK_CAPITALS:
            return rf"$\{name.capitalize()}$"
    kind, _, code = unicodedata.decomposition(c).partition(" ")
    if kind in ("<super>", "<sub>") and " " not in code:
        return ("$^{" if kind == "<super>" else "$_{") + chr(int(code, 16)) + "}$"
    return c


def latex_cell(text):
    """A cell: numbers have a minus that is one, and powers of ten."""
    number = NUMBER.fullmatch(text)
    if not number or not (number[1] or number[3]):
        return latex_text(text)
    power = rf" \times 10^{{{int(number[3])}}}" if number[3] else ""
    return f"${number[1]}{number[2]}{power}$"


def tabular(head, lines, notes=(), n_text=1):
    """A tabular environment of cells that are LaTeX already; the first `n_text` columns to the left, the others in the middle."""
    body = [" & ".join(line) + r" \\" for line in lines]
    last = [r"\midrule"] * bool(notes) + [rf"\multicolumn{{{len(head)}}}{{l}}{{\footnotesize {latex_text(note)}}} \\" for note in notes]
    return "\n".join([r"% needs \usepackage{booktabs}", r"\begin{tabular}{" + "l" * n_text + "c" * (len(head) - n_text) + "}", r"\toprule",
                      " & ".join(head) + r" \\", r"\midrule", *body, *last, r"\bottomrule", r"\end{tabular}"]) + "\n"


def padded(table):
    """Lines of cells as a Markdown table, with the columns as wide as their widest cell. The first line is the head."""
    table = [[text.replace("|", r"\|") for text in line] for line in table]
    width = [max(map(len, column)) for column in zip(*table)]
    table.insert(1, ["-" * w for w in width])
    return ["| " + " | ".join(text.ljust(w) for text, w in zip(line, width)) + " |" for line in table]


def markdown_table(lines, notes=()):
    return "\n".join([*padded(lines), *(part for note in notes for part in ("", note.replace("*", r"\*")))]) + "\n"


def csv_table(lines):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def plain_table(lines, form, n_text=1, notes=()):
    """A table of words, its head first, in one of FORMATS; notes below it, but in CSV."""
    if form == "markdown":
        return markdown_table(lines, notes)
    if form == "csv":
        return csv_table(lines)
    return tabular([latex_text(text) for text in lines[0]], [list(map(latex_cell, line)) for line in lines[1:]], notes, n_text)


# -------------------------------------------------------------------------------------------------------------- numbers

def round_to(value, n_digit):
    text = f"{value:.{n_digit}f}"
    return text.lstrip("-") if float(text) == 0 else text


def significant(value, n_digit):
    """One digit more than `n_digit`, and all digits before the point: 378.0, 1157, 4.6e-06."""
    if not 1e-3 <= abs(value) < 1e6:
        return "0" if value == 0 else f"{value:.{n_digit}e}"
    return f"{value:.{max(0, n_digit - math.floor(math.log10(abs(value))))}f}"


def has_plain_numbers(axis, n_digit):
    """Whether so many decimals can tell the values of an axis apart."""
    if axis.scale == "signed_log" or axis.is_scale_of_new_physics:
        return False
    largest, smallest = abs(axis.values).max(), abs(axis.values[axis.values != 0]).min()
    return 10.0**(1 - n_digit) <= largest < 1e6 and (axis.drawn_scale == "linear" or smallest >= 10.0**-n_digit)


def sure_digits(axis, value, n_digit, error):
    """n_digit, or as many as have a last one that is not smaller than the error; a first one there always is."""
    if error <= 0:
        return n_digit
    is_plain, first = has_plain_numbers(axis, n_digit), math.floor(math.log10(abs(value))) if value else 0
    return min(n_digit, max(1 if is_plain else 0, math.floor(-math.log10(error) + (0 if is_plain else first))))


def number(axis, value, n_digit, tex=False, error=0):
    """A value of the axis as text, with no more digits than its error leaves."""
    write = round_to if has_plain_numbers(axis, n_digit) else significant
    text = write(value, sure_digits(axis, value, n_digit, error))
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if tex and exponent else text


def with_sides(axis, value, below, above, n_digit, tex=False, marks=("", "")):
    """0.229 +0.088 -0.099; in TeX 0.229^{+0.088}_{-0.099}. All three with the same decimals, and the same power of ten; `marks`
    stand behind the lower and the upper of the two."""
    power, decimals = 0, n_digit
    if not has_plain_numbers(axis, n_digit):
        largest = max(abs(value), below, above)
        power = math.floor(math.log10(largest)) if largest > 0 else 0
        if 1e-3 <= largest < 1e6:
            power, decimals = 0, max(0, n_digit - power)
    text = [round_to(v / 10.0**power, decimals) for v in (value, above, below)]
    if tex:
        written = rf"{text[0]}^{{+{text[1]}{marks[1]}}}_{{-{text[2]}{marks[0]}}}"
        return rf"({written}) \times 10^{{{power}}}" if power else written
    written = f"{text[0]} +{text[1]}{marks[1]} -{text[2]}{marks[0]}"
    return f"({written})e{power:+03d}" if power else written


def with_error(value, error, most=5):
    """0.0236 ± 0.0001: the error rounded up to one digit, and not more decimals than `most`."""
    decimals = most if error <= 0 else min(most, max(0, -math.floor(math.log10(error))))
    error = math.ceil(error * 10**decimals - 1e-9) / 10**decimals
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def of_error(value, error, plain=4):
    """A value with as many decimals as its error has in one digit: 0.6500 of 0.0006; without an error, or a value smaller than it,
    `plain` digits."""
    error = float(f"{error:.1g}") if math.isfinite(error) else 0
    if not (0 < error < abs(value)):
        return f"{value:.{plain}g}"
    last = math.floor(math.log10(error))
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{max(0, math.floor(math.log10(abs(value))) - last)}e}"
    return f"{value:.{max(0, -last)}f}"
