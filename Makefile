# Everything a user needs is here: `make demo` and `make test` install missing Debian packages, build, and
# run. CONTRIBUTING.md says how to run one test.

# Which PHP: Debian's, as in `make test PHP_VERSION=8.4`, or any, as in `make test PHP=/opt/php/bin/php`. Otherwise the one
# that is called `php`, and where there is none, that of this Debian. (Before make 4.3, `command` needs a shell, which make
# starts only for a line that looks like one: hence the redirections.)
FOUND_PHP := $(realpath $(shell command -v php 2>/dev/null))
PHP_VERSION := $(or $(patsubst /usr/bin/php%,%,$(filter /usr/bin/php%,$(FOUND_PHP))), \
	$(shell apt-cache depends php-cli 2>/dev/null | sed -n 's/.*Depends: php\([0-9.]*\)-cli$$/\1/p'),8.2)
PACKAGED_PHP := /usr/bin/php$(PHP_VERSION)
export PHP := $(if $(filter command,$(origin PHP_VERSION)),$(PACKAGED_PHP),$(or $(FOUND_PHP),$(PACKAGED_PHP)))
export PHP_CONFIG := $(subst bin/php,bin/php-config,$(PHP))
export PHP_FPM := $(subst bin/php,sbin/php-fpm,$(PHP))

BUILD_PACKAGES := libclang-dev clang
BENCH_PACKAGES := php$(PHP_VERSION)-fpm php$(PHP_VERSION)-opcache php$(PHP_VERSION)-apcu php$(PHP_VERSION)-mbstring php-symfony-cache \
	php-symfony-lock php-illuminate-cache php-illuminate-filesystem nginx-light redis-server redis-tools wrk strace
FLEET_PACKAGES := redis-server util-linux php-symfony-cache php-symfony-lock php-psr-simple-cache
TEST_PACKAGES := acl attr autoconf e2fsprogs strace nginx-light redis-server redis-tools valgrind composer php-symfony-http-client

# The browser of the status page's test, and a font for its Chinese. Ubuntu has no such package, but its users have Chrome;
# and where Node.js is not Debian's, it brings npm along.
export CHROMIUM := $(firstword $(wildcard /usr/bin/chromium /usr/bin/google-chrome) /usr/bin/chromium)
PAGE_PACKAGES := fonts-wqy-microhei $(if $(wildcard $(CHROMIUM)),,chromium) $(if $(shell command -v npm 2>/dev/null),,nodejs npm)
TEST_PACKAGES += $(if $(filter php,$(PART)),,$(PAGE_PACKAGES))
ifeq ($(PHP),$(PACKAGED_PHP))
BUILD_PACKAGES += php$(PHP_VERSION)-cli php$(PHP_VERSION)-dev
FLEET_PACKAGES += php$(PHP_VERSION)-redis
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

# The oldest Rust that this project promises to build with.
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Where release files go. Those for Debian 13 come here too, from the folder of scripts/trixie.
RELEASE := $(CURDIR)/target/packages

.PHONY: help build extension install uninstall deb dist sums demo demo-fleet test check progress bench soak test-faults \
	test-fleet test-fuzz test-install test-matrix test-model test-page test-polyfill test-valgrind deny msrv packages clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

packages:
	@scripts/packages $(BUILD_PACKAGES)

build: extension ## Build the extension and the emulator
	cargo build --release --locked -p wechat-emulator

extension: packages
	$(BUILD_EXTENSION)

install: ## Install what `make build` built, and show how to enable it
	@scripts/install

uninstall: ## Remove what `make install` installed
	@scripts/uninstall

deb: build ## Make the Debian package for this PHP, in target/packages
	@scripts/packages build-essential debhelper dh-php
	@scripts/deb $(RELEASE)
	@$(MAKE) --no-print-directory sums

dist: packages ## Make and test the archives of a release for this PHP, in target/packages
	@scripts/packages binutils zip
	cargo build --release --locked -p wechat-emulator
	@scripts/dist $(RELEASE)
	@$(MAKE) --no-print-directory sums

sums: ## Write the check sums of what is in target/packages
	@cd $(RELEASE) && sha256sum $(notdir $(wildcard $(RELEASE)/*.deb $(RELEASE)/*.zip $(RELEASE)/*.tar.gz)) | tee SHA256SUMS

# Draws how far a command is. Of all builds, that of the tests is there soonest.
PROGRESS = $(or $(CARGO_TARGET_DIR),target)/debug/progress

progress:
	cargo build --locked -p wx-token-progress

demo: build progress ## Compare legacy code and wx_get_token() when a token expires
	@$(PROGRESS) $(PHP) -n demo/demo.php

demo-fleet: build progress ## Compare ten servers on one Redis when a token expires
	@scripts/packages $(FLEET_PACKAGES)
	@$(PROGRESS) $(PHP) -n demo/fleet.php

# The tests build an emulator of their own.
test: export WECHAT_EMULATOR := $(TARGET)/debug/wechat-emulator
test: extension ## Run every check and every test (PART=php: what the PHP makes a difference to)
	@scripts/packages $(TEST_PACKAGES)
	@scripts/test $(PART)

check: packages ## Run every check and no test: format, lint, spelling, syntax
	@scripts/test checks

bench: export CARGO_TARGET_DIR := $(CURDIR)/target/bench
bench: export WX_TOKEN_SO := $(CURDIR)/target/bench/release/libwx_token.so
bench: packages progress ## Compare the speed with other caches (ONLY="hot rest log storm race fleet web")
	@scripts/packages $(BENCH_PACKAGES)
	$(BUILD_EXTENSION)
	cargo build --release --locked -p wx-token-bench --bins --examples
	@$(PROGRESS) $(CARGO_TARGET_DIR)/release/bench $(ONLY)

test-faults: build progress ## Make each system call of a refresh fail in turn, and write docs/faults.md
	@scripts/packages redis-server redis-tools
	cargo test --locked --test faults --no-run
	WX_FAULTS=all $(PROGRESS) cargo test --locked --test faults -- --nocapture --test-threads 2

test-fleet: build progress ## Make each fault at each step of a refresh with a shared store, and large storms
	@scripts/packages $(TEST_PACKAGES)
	cargo test --locked --test fleet --no-run
	WX_FLEET=all $(PROGRESS) cargo test --locked --test fleet -- --nocapture --test-threads 2

soak: build progress ## Run servers with reloads, kills and failures for MINUTES (10), and report leaks
	@scripts/packages $(TEST_PACKAGES)
	cargo test --locked --test servers --no-run
	MINUTES=$(or $(MINUTES),10) $(PROGRESS) cargo test --locked --test servers soak -- --nocapture

test-install: build deb dist progress ## Install by every route, each in a folder or an overlay of its own
	@scripts/packages git libfcgi-bin lintian unzip
	@$(PROGRESS) scripts/test-install

test-fuzz: packages ## Fuzz token files and WeChat's answers for SECONDS (60)
	@scripts/fuzz $(or $(SECONDS),60)

test-model: progress ## Check the protocol, of a machine and of a fleet, with the Spin model checker
	@$(PROGRESS) scripts/model

test-matrix: packages ## Run the tests on PHP 8.2 to 8.6 and on a thread-safe debug PHP (as root)
	@scripts/packages debootstrap dpkg-dev libssl-dev zlib1g-dev pkgconf
	@scripts/matrix

test-page: build ## Look at the status page in a browser: every language, colour and width
	@scripts/packages $(PAGE_PACKAGES)
	@scripts/test-page

test-polyfill: build ## Run the PHP tests on the polyfill, also on PHP 7.4 (as root)
	@scripts/packages debootstrap
	@scripts/phpt-polyfill
	@scripts/php7 target/bullseye
	@scripts/php7 target/bullseye -d extension=curl

test-valgrind: build ## Run the PHP tests under valgrind (slow)
	@scripts/packages valgrind
	@scripts/phpt -m -d pcre.jit=0

deny: ## Check licences, sources and advisories of the dependencies with cargo-deny
	@scripts/deny

msrv: packages ## Build with the oldest supported Rust (needs rustup)
	CARGO_TARGET_DIR=$(TARGET)/msrv cargo +$(MSRV) check --locked --workspace --all-targets

clean: ## Remove the build
	cargo clean
