# SPDX-License-Identifier: GPL-3.0-or-later
# cevscan: `make run` and `make test` do everything; `make help` lists the rest.

SHELL       = /bin/bash
PREFIX     ?= /usr/local
BUILD      ?= build
CC          = gcc
PYTHON     ?= /usr/bin/python3
# Ranks of `make run`; 1 uses threads on all cores.
RANKS      ?= 1

# Jobs that the tests kill: `make test` takes few, and of tests/kills only what is marked as quick; `make test-faults` takes all.
KILLS_OF_TEST ?= 10
KILLS      ?= 500

# How many files of tests run beside each other; many of them start several ranks.
TEST_JOBS  ?= $(shell n=$$(nproc); echo $$((n < 4 ? n : 4)))

# --- libraries: Debian's names, then those of clusters' modules; override any of these -------------------------------
PKG_CONFIG ?= pkg-config
HDF5_PC    := $(shell for p in hdf5-openmpi hdf5-mpi hdf5; do $(PKG_CONFIG) --exists $$p 2>/dev/null && echo $$p && break; done)
MPI_PC     := $(shell for p in ompi-c mpi-c ompi mpich; do $(PKG_CONFIG) --exists $$p 2>/dev/null && echo $$p && break; done)
PACKAGES    = $(HDF5_PC) $(MPI_PC) gsl yaml-0.1 jansson libcrypto muparser
LIB_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
LIB_LIBS   ?= $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null) -lhdf5_hl

# --- flags: no contraction into fused multiply-adds, so that every processor computes the same bits -------------------
VERSION    := $(shell sed -n 's/^.define CEVSCAN_VERSION "\(.*\)"/\1/p' include/cevscan/version.h)
COMMIT     := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
WARNINGS    = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
              -Wundef -Wformat=2 -Wcast-qual -Wwrite-strings -Wno-psabi -Wvla
OPTIMISE   ?= -O3 -g
CFLAGS     += -std=gnu11 $(OPTIMISE) -fno-math-errno -fno-trapping-math -ffp-contract=off -fopenmp $(WARNINGS) $(EXTRA_CFLAGS)
CPPFLAGS   += -Iinclude -MMD -MP
LDFLAGS    += -fopenmp $(EXTRA_CFLAGS)

ROOMS       = base physics detector experiment roster stats scan engine parallel store config job
LIB_SRC    := $(wildcard $(patsubst %,src/%/*.c,$(ROOMS)))
CLI_SRC    := $(wildcard src/bench/*.c src/cli/*.c) $(EXTRA_SRC)
LIB_OBJ    := $(LIB_SRC:%.c=$(BUILD)/%.o)
CLI_OBJ    := $(CLI_SRC:%.c=$(BUILD)/%.o)
UNIT_SRC   := $(wildcard tests/unit/*.c)
UNIT_BIN   := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
BIN         = bin/cevscan
LIB         = lib/libcevscan.a

# make V=1 shows the commands.
quiet = $(if $(V),,@echo "  $(1) $@";)

.PHONY: all run reproduce test test-faults build unit deps deps-test install manual bench lint check-format format check-layers sanitize fuzz tsan valgrind bench-levels bench-peers bench-scheduler bench-scaling bench-memory bench-instructions clean help
.DEFAULT_GOAL = build

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

build: $(BIN) $(LIB) ## build bin/cevscan and lib/libcevscan.a (the libraries must be there: make deps)

$(BIN): $(CLI_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(call quiet,link)$(CC) $(LDFLAGS) $(CLI_OBJ) $(LIB) $(LIB_LIBS) -lm -o $@

$(LIB): $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(call quiet,ar  )ar rcs $@ $(LIB_OBJ)

# The libraries' headers are not ours to warn about.
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,cc  )$(CC) $(CPPFLAGS) $(CFLAGS) $(patsubst -I%,-isystem %,$(LIB_CFLAGS)) -c $< -o $@

# Code for processors that can more; which of it runs is decided at run time.
ifneq ($(filter x86_64,$(shell uname -m)),)
$(BUILD)/src/stats/profile_avx2.o: CFLAGS += -march=x86-64-v3
$(BUILD)/src/stats/profile_avx512.o: CFLAGS += -march=x86-64-v4
endif

$(BUILD)/src/base/version.o: CPPFLAGS += -DCEVSCAN_COMMIT='"$(COMMIT)"'

# The commit is part of the program: what holds it is rebuilt when it changes.
$(BUILD)/src/base/version.o: $(BUILD)/commit
$(BUILD)/commit: force
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@
.PHONY: force

unit: $(UNIT_BIN)
$(BUILD)/tests/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(call quiet,cc  )$(CC) $(CPPFLAGS) -Isrc $(CFLAGS) -Wno-missing-prototypes $(patsubst -I%,-isystem %,$(LIB_CFLAGS)) $< $(LDFLAGS) $(LIB) $(LIB_LIBS) -lcmocka -lm -o $@

# --- the two commands -------------------------------------------------------------------------------------------------
deps:
	@.ci/deps.sh run
deps-test:
	@.ci/deps.sh run test

# The second make sees the libraries that the first has installed.
run: deps ## install what is missing, build, scan CsI, Si and CsI + Si at the ESS, draw: results/
	@$(MAKE) --no-print-directory -j$(shell nproc) build
	@.ci/run-main-job.sh "$(RANKS)" "$(PYTHON)"

test: deps-test ## install what is missing, build, run every test
	@$(MAKE) --no-print-directory -j$(shell nproc) build unit
	@$(MAKE) --no-print-directory check-layers check-format
	CEVSCAN_KILLS=$(KILLS_OF_TEST) $(PYTHON) -m pytest tests --ignore=tests/faults -m "not long" -q -p no:cacheprovider -n $(TEST_JOBS) --dist loadfile $(PYTEST_FLAGS)

test-faults: deps-test ## all tests of kills, failing disks and locks, and a private SLURM (needs slurm-wlm, munge, iproute2)
	@tests/faults/deps.sh || true # what is missing is skipped
	@$(MAKE) --no-print-directory -j$(shell nproc) build
	CEVSCAN_KILLS=$(KILLS) $(PYTHON) -m pytest tests/kills tests/faults -q -p no:cacheprovider $(PYTEST_FLAGS)

reproduce: deps ## rebuild the tables and figures of three papers, with a report: results/reproduction/ (goes on where it was)
	@$(MAKE) --no-print-directory -j$(shell nproc) build
	@$(PYTHON) analysis/reproduce.py -o results/reproduction --cevscan $(BIN)

# --- the rest -----------------------------------------------------------------------------------------------------------
# Measurements, for a quiet machine; none is part of a test. mpirun refuses to start as root otherwise; for these only.
ifeq ($(shell id -u),0)
bench bench-scaling bench-scheduler: export OMPI_ALLOW_RUN_AS_ROOT = 1
bench bench-scaling bench-scheduler: export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM = 1
endif
bench: build ## points per second, templates, start-up, scheduler, tiles: all that `cevscan bench --list` names
	$(BIN) bench all

LEVELS = x86-64 x86-64-v3 x86-64-v4
bench-levels: ## the reference with programs built for baseline x86-64, AVX2 and AVX-512, and that they agree to the bit
	@for level in $(LEVELS); do $(MAKE) --no-print-directory level-$$level || exit 1; done
	@$(PYTHON) tests/peers/levels.py $(BUILD)/levels reference six_detectors shared_pulls

bench-peers: build $(BUILD)/peers/gsl_bfgs $(BUILD)/peers/gsl_profiled ## the reference, and profiled couplings, against numpy, GSL's bfgs2 and iminuit (python3-iminuit), and that chi2 agrees
	@CEVSCAN_BUILD=$(BUILD) $(PYTHON) tests/peers/compare.py
	@CEVSCAN_BUILD=$(BUILD) $(PYTHON) tests/peers/compare_profiled.py

bench-scheduler: build ## simulate rank 0 and up to 65 536 ranks, with the costs measured here: results/scheduler.pdf
	@mkdir -p results
	$(BIN) bench reference scheduler --json --seconds 1 > results/scheduler.json
	$(PYTHON) analysis/simulate_scheduler.py --bench results/scheduler.json -o results/scheduler.pdf

bench-scaling: build ## strong and weak scaling over ranks and threads: results/scaling.{json,csv,pdf} (CEVSCAN_LAYOUTS=1x1,2x1,1x2)
	@mkdir -p results
	$(PYTHON) analysis/measure_scaling.py --program $(BIN) --folder results -o results/scaling.json
	$(PYTHON) analysis/plot_scaling.py results/scaling.json -o results/scaling.pdf

bench-instructions: level-x86-64-v3 ## instructions per point by callgrind; more than 3 % above the record fails (UPDATE=1 records)
	@$(PYTHON) tests/peers/instructions.py $(BUILD)/levels/x86-64-v3/cevscan $(if $(UPDATE),--update)

bench-memory: build ## peak resident memory of maps of up to 20 001 x 20 001 points (7 GB of disk, a minute)
	@$(PYTHON) tests/peers/memory.py

$(BUILD)/peers/%: tests/peers/%.c
	@mkdir -p $(@D)
	$(call quiet,cc  )$(CC) -std=gnu11 -O3 -march=native $(WARNINGS) $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags gsl)) $< $(shell $(PKG_CONFIG) --libs gsl) -lm -o $@

$(BUILD)/peers/profiled_reference: tests/peers/profiled_reference.c $(LIB)
	@mkdir -p $(@D)
	$(call quiet,cc  )$(CC) $(CPPFLAGS) $(CFLAGS) $(patsubst -I%,-isystem %,$(LIB_CFLAGS)) $< $(LDFLAGS) $(LIB) $(LIB_LIBS) -lm -o $@

level-%:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/levels/$* BIN=$(BUILD)/levels/$*/cevscan LIB=$(BUILD)/levels/$*/lib.a \
	  EXTRA_CFLAGS="-DCEV_NO_DISPATCH -march=$*" $(BUILD)/levels/$*/cevscan

MANUAL      = $(BUILD)/manual
manual: build ## manual pages, and completion, from what --help says: build/manual/
	@rm -rf $(MANUAL)
	@$(PYTHON) src/cli/manual.py $(BIN) $(MANUAL)

SHARE       = $(DESTDIR)$(PREFIX)/share
PC_LINES    = 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' 'libdir=$${prefix}/lib' 'Name: cevscan' \
  'Description: scans of coherent elastic neutrino-nucleus scattering' 'Version: $(VERSION)' 'Requires: $(PACKAGES)' \
  'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lcevscan -lhdf5_hl -fopenmp -lm'
install: build manual ## install under PREFIX (default /usr/local), DESTDIR honoured
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/lib/pkgconfig" "$(DESTDIR)$(PREFIX)/include/cevscan" "$(SHARE)/cevscan"
	install -m 755 $(BIN) "$(DESTDIR)$(PREFIX)/bin"
	install -m 644 $(LIB) "$(DESTDIR)$(PREFIX)/lib"
	@printf '%s\n' $(PC_LINES) > "$(DESTDIR)$(PREFIX)/lib/pkgconfig/cevscan.pc"
	install -m 644 include/cevscan/*.h "$(DESTDIR)$(PREFIX)/include/cevscan"
	find configs -name '*.yaml' -o -name '*.md' | while read -r f; do install -D -m 644 "$$f" "$(SHARE)/cevscan/$${f#configs/}" || exit 1; done
	find analysis -name '*.py' -o -name '*.md' | while read -r f; do install -D -m 644 "$$f" "$(SHARE)/cevscan/$$f" || exit 1; done
	install -m 755 analysis/*.py "$(SHARE)/cevscan/analysis"
	install -d "$(SHARE)/cevscan/jobs" "$(SHARE)/man/man1" "$(SHARE)/doc/cevscan"
	install -m 755 jobs/*.sbatch jobs/*.sh "$(SHARE)/cevscan/jobs"
	install -m 644 README.md CHANGELOG.md LICENSE $(wildcard CITATION.cff) "$(SHARE)/doc/cevscan"
	install -m 644 $(MANUAL)/man1/*.1 "$(SHARE)/man/man1"
	install -D -m 644 $(MANUAL)/completion/cevscan.bash "$(SHARE)/bash-completion/completions/cevscan"
	install -D -m 644 $(MANUAL)/completion/_cevscan "$(SHARE)/zsh/site-functions/_cevscan"

check-layers: $(LIB_OBJ) ## prove from the objects' symbols that every room uses only what lies below it
	@$(PYTHON) tests/check_layers.py $(BUILD)

format: ## put the C sources into the form of .clang-format
	@git ls-files '*.c' '*.h' | xargs clang-format -i

check-format: ## compare the C sources with .clang-format
	@git ls-files '*.c' '*.h' | xargs awk 'length > 120 { print FILENAME ":" FNR ": a line of " length " characters"; bad = 1 } END { exit bad }'
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror && echo "format: every C file is as .clang-format wants it"

lint: check-format ## compare the form, compile everything with gcc and with clang, every warning an error
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/gcc-strict BIN=$(BUILD)/gcc-strict/cevscan LIB=$(BUILD)/gcc-strict/lib.a \
	  EXTRA_CFLAGS=-Werror build unit
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/clang-strict BIN=$(BUILD)/clang-strict/cevscan LIB=$(BUILD)/clang-strict/lib.a \
	  CC=clang EXTRA_CFLAGS=-Werror build unit

SANITIZED = $(BUILD)/sanitized
sanitize: ## the tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory BUILD=$(SANITIZED) BIN=$(SANITIZED)/bin/cevscan LIB=$(SANITIZED)/lib/libcevscan.a OPTIMISE="-O1 -g" \
	  EXTRA_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DCEV_NO_DISPATCH" \
	  EXTRA_SRC=tests/sanitize/keep_plugins.c build unit
	ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0 LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0 \
	  CEVSCAN_BIN=$(CURDIR)/$(SANITIZED)/bin/cevscan CEVSCAN_BUILD=$(CURDIR)/$(SANITIZED) \
	  $(PYTHON) -m pytest tests --ignore=tests/faults --ignore=tests/kills -q -p no:cacheprovider -m "not slow" $(PYTEST_FLAGS)

FUZZ_SECONDS ?= 60
fuzz: ## fuzz the readers of scans, experiments and maps, FUZZ_SECONDS=60 each (needs clang, libclang-rt-14-dev)
	@nice tests/fuzz/run.sh $(FUZZ_SECONDS)

tsan: ## the tile loop under the thread sanitizer (needs clang, libclang-rt-14-dev, libomp-14-dev)
	@nice tests/tsan/run.sh

valgrind: build unit ## the unit tests and a small scan under valgrind
	@tests/valgrind.sh $(BUILD) $(BIN)

clean: ## remove what was built (not results/)
	rm -rf $(BUILD) bin lib

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(UNIT_BIN:=.d)
