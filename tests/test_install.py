# SPDX-License-Identifier: GPL-3.0-or-later
"""`make install`: a tree that works without the sources, manual pages and completion that say what --help says."""
import json
import os
import re
import shlex
import shutil
import subprocess

import pytest

from e2e import ALL_ESS, REPO, axis, run, write_scan

pytestmark = pytest.mark.slow  # builds


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """In a folder whose name has a space."""
    root = tmp_path_factory.mktemp("a root")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    subprocess.run(["make", "-s", "-C", REPO, "install", f"DESTDIR={root}", "PREFIX=/opt/x"], check=True, capture_output=True, env=clean)
    assert [path.name for path in root.iterdir()] == ["opt"] and [path.name for path in (root / "opt").iterdir()] == ["x"]
    return root / "opt" / "x"


def commands():
    return re.findall(r"^  (\w+) ", run("--help").stdout, re.MULTILINE)


def options(command):
    return re.findall(r"^ +(?:-(\S), )?(--[\w-]+)", run(command, "--help").stdout, re.MULTILINE)


# --- the tree -----------------------------------------------------------------------------------------------------------
def test_everything_is_there(prefix):
    installed = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    expected = {f"include/cevscan/{path.name}" for path in REPO.glob("include/cevscan/*.h")}
    expected |= {f"share/cevscan/{path.relative_to(REPO / 'configs')}" for path in (REPO / "configs").rglob("*.yaml")}
    expected |= {f"share/cevscan/{path.relative_to(REPO)}" for path in (REPO / "analysis").rglob("*.py")}
    expected |= {f"share/cevscan/jobs/{path.name}" for path in REPO.glob("jobs/*.s*")}
    expected |= {f"share/man/man1/cevscan-{name}.1" for name in commands()}
    expected |= {"bin/cevscan", "lib/libcevscan.a", "lib/pkgconfig/cevscan.pc", "share/man/man1/cevscan.1", "share/doc/cevscan/LICENSE",
                 "share/bash-completion/completions/cevscan", "share/zsh/site-functions/_cevscan"}
    assert not expected - installed
    others = {name for name in installed - expected if not name.endswith(".md") and not name.startswith("share/doc/cevscan/")}
    assert not others
    for name in ("bin/cevscan", "share/cevscan/analysis/plot_map.py", "share/cevscan/jobs/cevscan-job.sh"):
        assert os.access(prefix / name, os.X_OK), name
    assert all((prefix / name).stat().st_mode & 0o044 == 0o044 for name in installed), "readable by all"


def test_the_program_finds_its_files(prefix, tmp_path):
    def output(*arguments):
        return subprocess.run([prefix / "bin/cevscan", *arguments], check=True, capture_output=True, text=True, cwd=tmp_path).stdout

    described = json.loads(output("describe", "ess_csi", "--json"))
    assert os.path.realpath(described["file"]) == str((prefix / "share/cevscan/experiments/ess_csi.yaml").resolve())
    assert set(ALL_ESS) <= set(json.loads(output("describe", "--json"))["experiments"])
    output("run", str(write_scan(tmp_path, ["ess_csi"], [axis("eps_ee_uV", 31)])), "-o", "map.h5")
    assert json.loads(output("check", str(prefix / "share/cevscan/scans/ess_csi_si.yaml"), "--json"))["points"] > 1000


def test_the_scripts_find_the_program(prefix, tmp_path):
    done = subprocess.run([prefix / "share/cevscan/analysis/plot_rates.py", "-e", "ess_ar", "-o", "rates.png"], cwd=tmp_path,
                          capture_output=True, text=True, env={**os.environ, "PATH": f"{prefix}/bin:{os.environ['PATH']}"})
    assert done.returncode == 0 and (tmp_path / "rates.png").stat().st_size > 1000, done.stderr


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="pkg-config is missing")
def test_a_program_is_linked_by_pkg_config(prefix, tmp_path):
    (tmp_path / "mine.c").write_text('#include <cevscan/version.h>\n#include <stdio.h>\nint main(void) { return puts(cev_commit()) < 0; }\n')
    env = {**os.environ, "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"}
    flags = subprocess.run(["pkg-config", f"--define-variable=prefix={tmp_path}/x", "--cflags", "--libs", "cevscan"], check=True,
                           capture_output=True, text=True, env=env).stdout
    (tmp_path / "x").symlink_to(prefix)
    subprocess.run(["gcc", "mine.c", *shlex.split(flags), "-o", "mine"], check=True, cwd=tmp_path)
    done = subprocess.run([tmp_path / "mine"], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == re.search(r"\((.*)\)", subprocess.run([prefix / "bin/cevscan", "--version"], capture_output=True,
                                                                        text=True).stdout).group(1)


# --- manual pages -------------------------------------------------------------------------------------------------------
def plain(page):
    """A page of roff as its reader sees its words."""
    text = re.sub(r"\\f[BR I]", "", page.read_text())
    for escape, character in ((r"\-", "-"), (r"\(ga", "`"), (r"\(aq", "'"), (r"\(ha", "^"), (r"\(ti", "~"), (r"\(dq", '"'), (r"\&", "")):
        text = text.replace(escape, character)
    return text


def test_manual_pages_have_every_option(prefix):
    overview = plain(prefix / "share/man/man1/cevscan.1")
    for command in commands():
        page = plain(prefix / f"share/man/man1/cevscan-{command}.1")
        assert f"cevscan-{command} (1)" in overview
        assert options(command)[-1][1] == "--usage"
        for short, long in options(command):
            assert long in page and (not short or f"-{short}, {long}" in page), (command, long)
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"):
            assert f".SH {section}\n" in page, (command, section)


def test_manual_pages_say_what_help_says(prefix):
    of_argp = "Mandatory or optional arguments to long options are also mandatory or optional for any corresponding short options."
    words = {word for word in run("spectra", "--help").stdout.split() if word.isalpha()}
    assert words - {"Usage", *of_argp.split()} <= set(plain(prefix / "share/man/man1/cevscan-spectra.1").split())


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is missing")
def test_manual_pages_are_sound(prefix):
    for page in sorted((prefix / "share/man/man1").iterdir()):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done.stderr


# --- completion ---------------------------------------------------------------------------------------------------------
def completed(prefix, *words, cwd):
    """What bash offers for the last word."""
    line = " ".join(shlex.quote(word) for word in [str(prefix / "bin/cevscan"), *words])
    script = f"source {shlex.quote(str(prefix / 'share/bash-completion/completions/cevscan'))}; COMP_WORDS=({line}); " \
             f"COMP_CWORD={len(words)}; _cevscan; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "--norc", "-c", script], check=True, capture_output=True, text=True, cwd=cwd)
    assert not done.stderr
    return set(done.stdout.split("\n")) - {""}


def test_completion_has_every_command_and_option(prefix, tmp_path):
    assert completed(prefix, "", cwd=tmp_path) == {*commands(), "--help", "--version"}
    zsh = (prefix / "share/zsh/site-functions/_cevscan").read_text()
    for command in commands():
        known = {word for short, long in options(command) for word in (f"-{short}" if short else "", long) if word}
        assert completed(prefix, command, "-", cwd=tmp_path) == known
        block = zsh[zsh.index(f"    {command})\n"):].split(";;")[0]
        assert known == set(re.findall(r"^ +'(--?[\w?-]+)[=+]?\[", block, re.MULTILINE)), command


def test_completion_of_values(prefix, tmp_path):
    for name in ("scan.yaml", "map.h5", "notes.txt", "my study.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    assert completed(prefix, "rates", "-e", "ess_c", cwd=tmp_path) == {"ess_csi", "ess_c3f8"}
    assert completed(prefix, "rates", "--experiments", "=", "ess_csi,ess_s", cwd=tmp_path) == {"ess_csi,ess_si"}
    assert "vector_b_minus_l" in completed(prefix, "point", "--interaction", "vec", cwd=tmp_path)
    assert completed(prefix, "rates", "--format", "", cwd=tmp_path) == {"table", "csv", "json"}
    assert completed(prefix, "spectra", "--of", "", cwd=tmp_path) == {"recoil", "cross_section", "form_factor", "flux", "probability",
                                                                      "response"}
    assert completed(prefix, "run", "", cwd=tmp_path) == {"scan.yaml", "my study.yaml", "folder"}
    assert completed(prefix, "run", "scan.yaml", "-o", "", cwd=tmp_path) == {"map.h5", "folder"}
    assert completed(prefix, "status", "m", cwd=tmp_path) == {"map.h5"}
    assert completed(prefix, "describe", "lind", cwd=tmp_path) == {"lindhard"}


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is missing")
def test_zsh_reads_its_completion(prefix):
    done = subprocess.run(["zsh", "-n", prefix / "share/zsh/site-functions/_cevscan"], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr
