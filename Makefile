# Everything a user needs is here: `make demo` and `make test` install what they miss from Debian's
# packages, build, and run.

# Which PHP: Debian's, as in `make test PHP_VERSION=8.4`, or any, as in `make test PHP=/opt/php/bin/php`.
PHP_VERSION := 8.2
PACKAGED_PHP := /usr/bin/php$(PHP_VERSION)
export PHP := $(PACKAGED_PHP)
export PHP_CONFIG := $(subst bin/php,bin/php-config,$(PHP))
export PHP_FPM := $(subst bin/php,sbin/php-fpm,$(PHP))

BUILD_PACKAGES := libclang-dev clang
BENCH_PACKAGES := php$(PHP_VERSION)-fpm php$(PHP_VERSION)-opcache php$(PHP_VERSION)-apcu php$(PHP_VERSION)-mbstring php-symfony-cache \
	php-symfony-lock php-illuminate-cache php-illuminate-filesystem nginx-light wrk strace
TEST_PACKAGES := acl attr e2fsprogs strace nginx-light valgrind
ifeq ($(PHP),$(PACKAGED_PHP))
BUILD_PACKAGES += php$(PHP_VERSION)-cli php$(PHP_VERSION)-dev
TEST_PACKAGES += php$(PHP_VERSION)-fpm apache2-bin libapache2-mod-php$(PHP_VERSION)
export PHP_APACHE := /usr/lib/apache2/modules/libphp$(PHP_VERSION).so
else
export PHP_APACHE :=
endif

# Without the Rust library beside it, a tenth smaller.
BUILD_EXTENSION := cargo rustc --release --locked -p wx_token --lib --crate-type cdylib

TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
export WX_TOKEN_SO := $(TARGET)/release/libwx_token.so
export WECHAT_EMULATOR := $(TARGET)/release/wechat-emulator

.PHONY: help build install demo test bench soak test-faults test-fuzz test-matrix test-model test-valgrind packages clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

packages:
	@scripts/packages $(BUILD_PACKAGES)

build: packages ## Build the extension and the emulator
	$(BUILD_EXTENSION)
	cargo build --release --locked -p wechat-emulator

install: ## Install what `make build` has built into PHP's extension directory, and say what is next
	@scripts/install

demo: build ## Show what legacy code does at an expiry, and what wx_get_token() does
	@$(PHP) -n demo/demo.php

test: build ## Run every check and every test
	@scripts/packages $(TEST_PACKAGES)
	@scripts/test

bench: export CARGO_TARGET_DIR := $(CURDIR)/target/bench
bench: export WX_TOKEN_SO := $(CURDIR)/target/bench/release/libwx_token.so
bench: packages ## Measure the extension beside what it replaces and its peers (ONLY="hot rest storm web")
	@scripts/packages $(BENCH_PACKAGES)
	$(BUILD_EXTENSION) --features baseline
	cargo build --release --locked -p wx-token-bench
	@$(CARGO_TARGET_DIR)/release/bench $(ONLY)

test-faults: build ## Make each system call of a refresh fail in turn, and write docs/faults.md
	WX_FAULTS=all cargo test --locked --test faults -- --nocapture --test-threads 2

soak: build ## Run servers, reloads, kills and a failing upstream for MINUTES (10), and report what grew
	@scripts/packages $(TEST_PACKAGES)
	MINUTES=$(or $(MINUTES),10) cargo test --locked --test servers soak -- --nocapture

test-fuzz: packages ## Fuzz token files, their status and WeChat's answers for a minute (SECONDS=60)
	@scripts/fuzz $(or $(SECONDS),60)

test-model: ## Check the protocol over all interleavings
	@scripts/model

test-matrix: packages ## Run every test on PHP 8.2, PHP 8.4 and a thread-safe debug build (needs root)
	@scripts/packages debootstrap dpkg-dev
	@scripts/matrix

test-valgrind: build ## Run the phpt suite under valgrind (slow)
	@scripts/packages valgrind
	@scripts/phpt -m -d pcre.jit=0

clean: ## Remove what was built
	cargo clean
