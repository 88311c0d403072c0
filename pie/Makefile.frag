# Where cargo builds, unless the environment names a folder of the user's. Not below this one: `make clean` of phpize
# deletes every library there.
wx_token_default_target = $(wx_token_root)/target/phpize/$(wx_token_kind)
wx_token_target = $(abspath $(or $(CARGO_TARGET_DIR),$(wx_token_default_target)))
wx_token_sources = $(addprefix $(wx_token_root)/,Cargo.toml Cargo.lock core/Cargo.toml build.rs composer.json) \
	$(shell find $(wx_token_root)/src $(wx_token_root)/core/src -type f)

# Only if a source or the configuration is newer: `sudo make install` comes here, too, and root may have no cargo.
# In the root of the repository, whose .cargo/config.toml then counts. The `+` gives cargo the jobs of `make -j`.
$(phplibdir)/wx_token.so: $(wx_token_sources) Makefile
	+cd $(wx_token_root) && \
	    { command -v $(wx_token_cargo) >/dev/null || PATH="$$PATH:$$HOME/.cargo/bin"; } && \
	    $(wx_token_environment) CARGO_TARGET_DIR=$(wx_token_target) \
	        $(wx_token_cargo) rustc --release --locked -p wx_token --lib --crate-type cdylib
	@mkdir -p $(phplibdir)
	$(INSTALL) $(wx_token_target)/release/libwx_token.so $@

# What PHP's own rules read. `make install` removes it, and must not build again for that.
$(phplibdir)/wx_token.la: $(phplibdir)/wx_token.so
	@echo "dlname='wx_token.so'" >$@

# By a rename. PHP's own rule removes the old file first, and a PHP that starts just then has no extension.
INSTALL = $(SHELL) $(wx_token_root)/scripts/install-file

.PHONY: uninstall
uninstall:
	rm -f $(INSTALL_ROOT)$(EXTENSION_DIR)/wx_token.so

# The tests are not beside this file. PHP's error log is no part of what they compare, and those that start another PHP
# load the extension by this name.
TESTS = -d error_log=/dev/null --show-diff $(wx_token_root)/php-tests
export WX_TOKEN_SO = $(phplibdir)/wx_token.so
export NO_INTERACTION = 1

clean: wx_token_clean
.PHONY: wx_token_clean
wx_token_clean:
	rm -rf $(wx_token_default_target)
