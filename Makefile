# Tenon: each target installs what it lacks, then works. `make` alone tells what there is.
#
#   DATA folder of `make demo`: $TENON_DATA, else /var/lib/tenon for root, ./.tenon for others

SHELL   := /bin/bash
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   := build
JOBS    ?= $(shell nproc)
WORDS   ?=
SECONDS ?= 30

CMAKE = cmake -S . -G Ninja -DCMAKE_INSTALL_PREFIX=$(PREFIX) \
	$(if $(shell command -v ccache 2>/dev/null),-DCMAKE_C_COMPILER_LAUNCHER=ccache)
# $(call build,folder,options,targets): quiet while all is well
build = $(CMAKE) -B $(BUILD)/$(1) $(2) > $(BUILD)/$(1).log || { cat $(BUILD)/$(1).log; exit 1; }; \
	cmake --build $(BUILD)/$(1) -j $(JOBS) $(if $(3),--target $(3))

.PHONY: help packages release demo stop test test-sanitize fuzz bench check install northwind clean

help:
	@echo "make demo       build, start a demo company, tell one run from lead to cash, leave it running"
	@echo "make stop       stop what make demo started; its data stays"
	@echo "make test       build with warnings as errors and run every test (WORDS='cluster migrate': only those)"
	@echo "make test-sanitize  the same under AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make fuzz       run each parser on made-up input for SECONDS (30) under the sanitizers"
	@echo "make bench      lead to cash by 1, 8 and 32 clients: cycles per second, p50 and p99 of each step"
	@echo "make northwind DATA=folder   take a whole order book from lead to cash and print the totals"
	@echo "make check      format, static analysis, layers, sizes"
	@echo "make install    programs, man pages and the systemd unit (PREFIX=$(PREFIX) DESTDIR=)"
	@echo "make clean      remove $(BUILD)/"

packages:
	@packaging/install-packages.sh build
	@mkdir -p $(BUILD)

release: packages
	@$(call build,release,-DCMAKE_BUILD_TYPE=Release)

demo: release
	@packaging/run.sh demo $(BUILD)/release

stop:
	@packaging/run.sh stop $(BUILD)/release

test: packages
	@$(call build,debug,-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-Werror)
	@$(BUILD)/debug/tenon-test $(WORDS)

test-sanitize: packages
	@$(call build,sanitize,-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-Werror -DSANITIZE=address$(,)undefined)
	@ASAN_OPTIONS=detect_stack_use_after_return=1 $(BUILD)/sanitize/tenon-test $(WORDS)

fuzz: packages
	@packaging/install-packages.sh build fuzz
	@$(call build,fuzz,-DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DSANITIZE=fuzzer-no-link$(,)address$(,)undefined,fuzz)
	@tests/fuzz/run.sh $(BUILD)/fuzz $(SECONDS)

bench: release
	@packaging/run.sh bench $(BUILD)/release

northwind: release
	@packaging/run.sh northwind $(BUILD)/release "$(DATA)" $(BUILD)/northwind.json

check: packages
	@packaging/install-packages.sh build check
	@$(call build,debug,-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-Werror)
	@tests/check.sh $(BUILD)/debug

install: release
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD)/release
	@$(if $(DESTDIR),,packaging/install-packages.sh user)

clean:
	@rm -rf $(BUILD)

, := ,
