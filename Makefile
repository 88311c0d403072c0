# Everything a user needs is here: `make demo` and `make test` install what they miss from Debian's
# packages, build, and run.

PHP_VERSION := 8.2
PHP := php$(PHP_VERSION)
BUILD_PACKAGES := $(PHP)-cli $(PHP)-dev libclang-dev clang
TEST_PACKAGES := $(PHP)-fpm acl attr

export WX_TOKEN_SO := $(CURDIR)/target/release/libwx_token.so
export WECHAT_EMULATOR := $(CURDIR)/target/release/wechat-emulator

.PHONY: help build install demo test test-fuzz test-valgrind packages clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

packages:
	@scripts/packages $(BUILD_PACKAGES)

build: packages ## Build the extension and the emulator
	cargo build --release --locked --workspace

install: build ## Install the extension into PHP's extension directory
	install -D -m 0644 $(WX_TOKEN_SO) $(DESTDIR)$$(php-config$(PHP_VERSION) --extension-dir)/wx_token.so
	@echo 'Now enable it: echo extension=wx_token > /etc/php/$(PHP_VERSION)/mods-available/wx_token.ini && phpenmod wx_token'

demo: build ## Show what legacy code does at an expiry, and what wx_get_token() does
	@$(PHP) -n demo/demo.php

test: build ## Run every check and every test
	@scripts/packages $(TEST_PACKAGES)
	@scripts/test

test-fuzz: packages ## Feed the token file parser random and damaged files (CASES=25000000 takes minutes)
	PROPTEST_CASES=$(or $(CASES),25000000) cargo test --locked --lib properties

test-valgrind: build ## Run the phpt suite under valgrind (slow)
	@scripts/packages valgrind
	@scripts/phpt -m -d pcre.jit=0

clean: ## Remove what was built
	cargo clean
