#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual pages, and completion for bash and zsh, out of what the program itself says with --help: `make manual`.

    src/cli/manual.py PROGRAM FOLDER      writes FOLDER/man1/*.1, FOLDER/completion/cevscan.bash and FOLDER/completion/_cevscan"""
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

NAME = "cevscan"
OF_ARGP = ("Mandatory or optional arguments to long options",)  # sentences of the C library, not ours


@dataclass
class Option:
    short: str  # "-o", or ""
    long: str  # "--output"
    value: str  # "FILE.h5"; "" where it takes none
    help: str

    def words(self):
        """Those that it may choose from: of a help like "table (default), csv or json"."""
        if not re.fullmatch(r"[\w-]+( \(default\))?(, [\w-]+)*,? or [\w-]+( .*)?", self.help):
            return []
        listed = re.match(r"[\w (),-]+? or [\w-]+", self.help).group()
        return re.split(r", | or ", listed.replace(" (default)", ""))


@dataclass
class Command:
    name: str
    summary: str
    usage: str = ""
    about: list = field(default_factory=list)  # paragraphs before the options
    options: list = field(default_factory=list)
    notes: list = field(default_factory=list)  # and behind them
    examples: list = field(default_factory=list)

    def takes_files(self):
        return sorted(set(re.findall(r"\.\w+", self.usage)))


# --- reading ------------------------------------------------------------------------------------------------------------
def said(program, *words):
    """On lines that are not broken."""
    return subprocess.run([program, *words, "--help"], check=True, text=True, capture_output=True,
                          env={**os.environ, "ARGP_HELP_FMT": "rmargin=9999"}).stdout


def parse_option(line):
    found = re.match(r" +(?:(-\S), )?(--[\w-]+)(?:=(\S+))?(?: {2,}(.*))?$", line)
    return Option(found[1] or "", found[2], found[3] or "", found[4] or "") if found else None


def read_command(program, name, summary):
    command, in_examples = Command(name, summary), False
    for line in said(program, name).splitlines():
        option = parse_option(line)
        if line.startswith("Usage: "):
            command.usage = line[len("Usage: "):]
        elif option:
            command.options.append(option)
        elif re.match(" {20,}", line) and not command.options[-1].help:  # below a long one
            command.options[-1].help = line.strip()
        elif line.startswith(OF_ARGP):
            continue
        elif re.match(r"Examples?:", line) or in_examples:
            in_examples = True
            command.examples += [text for text in [re.sub(r"^(Examples?:)?\s*", "", line)] if text]
        elif line:
            (command.notes if command.options else command.about).append(line)
    return command


def read_all(program):
    overview = said(program)
    listed = re.findall(r"^  (\w+) +(.*)$", overview, re.MULTILINE)
    return overview, [read_command(program, name, summary) for name, summary in listed]


# --- manual pages -------------------------------------------------------------------------------------------------------
def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq").replace("^", "\\(ha")
    text = text.replace("~", "\\(ti").replace('"', "\\(dq")
    return "\\&" + text if text.startswith(".") else text


def paragraphs(texts):
    """Lines of two columns are items; the others are paragraphs."""
    for text in texts:
        item = re.match(r"  (\S+) {2,}(.*)", text)
        yield from [".TP", f".B {roff(item[1])}", roff(item[2])] if item else [".PP", roff(text.strip())]


def page_of_command(command, version):
    title = f"{NAME}-{command.name}"
    lines = [f'.TH {title.upper()} 1 "" "{NAME} {version}" "User Commands"', ".SH NAME", f"{title} \\- {roff(command.summary)}",
             ".SH SYNOPSIS", f".B {NAME} {command.name}", roff(command.usage[len(f"{NAME} {command.name}"):].strip()),
             ".SH DESCRIPTION", *paragraphs(command.about), ".SH OPTIONS"]
    for option in command.options:
        names = ", ".join(rf"\fB{roff(name)}\fR" for name in (option.short, option.long) if name)
        lines += [".TP", names + (rf"=\fI{roff(option.value)}\fR" if option.value else ""), roff(option.help)]
    if command.notes:
        lines += [".SH NOTES", *paragraphs(command.notes)]
    if command.examples:
        lines += [".SH EXAMPLES", ".nf", *map(roff, command.examples), ".fi"]
    return "\n".join([*lines, ".SH SEE ALSO", f".BR {NAME} (1)", ""])


def page_of_program(overview, commands, version):
    usage, about, *_ = overview.removeprefix("Usage: ").splitlines()
    behind = overview.split(commands[-1].summary, 1)[1].strip().split("\n\n")
    lines = [f'.TH {NAME.upper()} 1 "" "{NAME} {version}" "User Commands"', ".SH NAME",
             f"{NAME} \\- scans of coherent elastic neutrino\\-nucleus scattering", ".SH SYNOPSIS", f".B {roff(usage)}", ".SH DESCRIPTION",
             roff(about), ".SH COMMANDS"]
    for command in commands:
        lines += [".TP", f".BR {NAME}\\-{command.name} (1)", roff(command.summary)]
    lines += [".SH NOTES", *paragraphs(" ".join(text.split()) for text in behind), ".SH SEE ALSO"]
    lines.append(",\n".join(f".BR {NAME}\\-{command.name} (1)" for command in commands).replace(",\n", " ,\n"))
    return "\n".join(lines) + "\n"


# --- completion ---------------------------------------------------------------------------------------------------------
KINDS = {"--experiments": "experiments", "--interaction": "interactions"}  # what the program lists at that moment

BASH = """# Completion of {name} for bash; written by src/cli/manual.py from the program's --help.
_{name}_named() {{ # names of a kind that the program knows, those of $CEVSCAN_PATH included
    "${{COMP_WORDS[0]}}" describe 2>/dev/null | sed -n "s/^$1 *\\([^ ]*\\).*/\\1/p"
}}
_{name}_files() {{ # folders, and files with one of these endings
    local ending
    compgen -d -- "$cur"
    for ending in "$@"; do compgen -f -X "!*$ending" -- "$cur"; done
}}
_{name}() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} options words="" endings="" list=""
    COMPREPLY=()
    if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${{COMP_WORDS[COMP_CWORD-2]}}; fi
    if [[ $COMP_CWORD == 1 ]]; then
        COMPREPLY=($(compgen -W "{commands} --help --version" -- "$cur"))
        return
    fi
    case $command in
{cases}
    esac
    case "$command $prev" in
{values}
    esac
    local IFS=$'\\n'
    if [[ -n $list ]]; then
        local before=
        [[ $cur == *,* ]] && before=${{cur%,*}},
        COMPREPLY=($(compgen -P "$before" -W "$(_{name}_named "$list")" -- "${{cur##*,}}") $(_{name}_files .yaml))
    elif [[ -n $words ]]; then
        COMPREPLY=($(IFS=' '; compgen -W "$words" -- "$cur"))
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(IFS=' '; compgen -W "$options" -- "$cur"))
    elif [[ $command == describe ]]; then
        COMPREPLY=($(compgen -W "$(_{name}_named '.\{{12\}}')" -- "$cur"))
    else
        IFS=' ' read -ra endings <<< "$endings"
        COMPREPLY=($(_{name}_files "${{endings[@]}}"))
    fi
}}
complete -o filenames -o bashdefault -F _{name} {name}
"""


def bash_value(command, option):
    names = "|".join(f'"{command.name} {name}"' for name in (option.short, option.long) if name)
    if option.long in KINDS:
        return f"    {names}) list={KINDS[option.long][:-1]} ;;"
    if option.words():
        return f"    {names}) words=\"{' '.join(option.words())}\" ;;"
    ending = re.search(r"\.\w+$", option.value)
    return f'    {names}) endings="{ending.group() if ending else ""}" ;;'


def bash(commands):
    cases, values = [], []
    for command in commands:
        options = " ".join(name for option in command.options for name in (option.short, option.long) if name)
        endings = " ".join(command.takes_files())
        cases.append(f'    {command.name}) options="{options}" endings="{endings}" ;;')
        values += [bash_value(command, option) for option in command.options if option.value]
    return BASH.format(name=NAME, commands=" ".join(c.name for c in commands), cases="\n".join(cases), values="\n".join(values))


ZSH = """#compdef {name}
# Completion of {name} for zsh; written by src/cli/manual.py from the program's --help.
_{name}_experiments() {{
    local -a names=(${{(f)"$({name} describe 2>/dev/null | sed -n 's/^experiment *\\([^ ]*\\).*/\\1/p')"}})
    _values -s , experiment $names
}}
_{name}_all() {{
    local -a names=(${{(f)"$({name} describe 2>/dev/null | cut -c14- | cut -d' ' -f1)"}})
    compadd -a names
}}
_{name}_interactions() {{
    local -a names=(${{(f)"$({name} describe 2>/dev/null | sed -n 's/^interaction *\\([^ ]*\\).*/\\1/p')"}})
    compadd -a names
}}
_{name}() {{
    local -a commands=(
{commands}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
{cases}
    esac
}}
_{name} "$@"
"""


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_action(option):
    if option.long in KINDS:
        return f"_{NAME}_{KINDS[option.long]}"
    if option.words():
        return f"({' '.join(option.words())})"
    ending = re.search(r"\.(\w+)$", option.value)
    return f'_files -g "*.{ending[1]}(-.)"' if ending else ("_files" if re.search("FILE|MAP", option.value) else " ")


def zsh_option(option):
    described = re.sub(r"([\[\]:])", r"\\\1", option.help)
    value = f":{re.sub(r':', ' ', option.value)}:{zsh_action(option)}" if option.value else ""
    specs = []
    for name in (option.short, option.long):
        joined = "" if not option.value else "=" if name.startswith("--") else "+"
        specs += [f"            {quoted(f'{name}{joined}[{described}]{value}')}"] if name else []
    return specs


def zsh(commands):
    cases = []
    for command in commands:
        endings = [ending[1:] for ending in command.takes_files()]
        pattern = f' -g "*.({"|".join(endings)})(-.)"' if endings else ""
        rest = f"*:file:_files{pattern}" if command.name != "describe" else f"1:name:_{NAME}_all"
        specs = [spec for option in command.options for spec in zsh_option(option)]
        cases.append("\n".join([f"    {command.name})", "        _arguments -s \\", *(f"{spec} \\" for spec in specs),
                                f"            {quoted(rest)} ;;"]))
    listed = "\n".join(f"        {quoted(f'{c.name}:{c.summary}')}" for c in commands)
    return ZSH.format(name=NAME, commands=listed, cases="\n".join(cases))


def main():
    program, folder = os.path.abspath(sys.argv[1]), Path(sys.argv[2])
    version = subprocess.run([program, "--version"], check=True, text=True, capture_output=True).stdout.split()[1]
    overview, commands = read_all(program)
    for name in ("man1", "completion"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "man1" / f"{NAME}.1").write_text(page_of_program(overview, commands, version), encoding="utf-8")
    for command in commands:
        (folder / "man1" / f"{NAME}-{command.name}.1").write_text(page_of_command(command, version), encoding="utf-8")
    (folder / "completion" / f"{NAME}.bash").write_text(bash(commands), encoding="utf-8")
    (folder / "completion" / f"_{NAME}").write_text(zsh(commands), encoding="utf-8")


if __name__ == "__main__":
    main()
