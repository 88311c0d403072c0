dnl Lets phpize build the extension, and so PIE: PHP's own build system asks cargo for it.

PHP_ARG_ENABLE([wx_token],
  [whether to build the extension wx_token],
  [AS_HELP_STRING([--disable-wx_token], [Do not build the extension wx_token])],
  [yes])

AC_ARG_VAR([CARGO], [cargo, if not the one in the PATH or of rustup])
AC_ARG_VAR([RUSTC], [rustc, if not the one of cargo])
AC_ARG_VAR([LIBCLANG_PATH], [folder with libclang.so, if it is not found, or if there are several])

if test "$PHP_WX_TOKEN" != "no"; then
  wx_token_root=`cd "$abs_srcdir/.." && pwd`
  dnl Where rustup puts it. It is often missing in the PATH of a service, and of PIE.
  PATH="$PATH:$HOME/.cargo/bin"

  AC_MSG_CHECKING([whether wx_token can be built here])
  wx_token_problem=`CARGO="$CARGO" RUSTC="$RUSTC" LIBCLANG_PATH="$LIBCLANG_PATH" \
    sh "$abs_srcdir/requirements" "$wx_token_root" "$PHP_CONFIG"`
  if test $? -ne 0; then
    AC_MSG_RESULT([no])
    AC_MSG_ERROR([$wx_token_problem])
  fi
  AC_MSG_RESULT([yes])

  dnl What was built for one PHP must not be taken for another's: a folder for each kind.
  AC_MSG_CHECKING([for the kind of PHP])
  wx_token_kind=`sed -n 's/^#define ZEND_MODULE_API_NO //p' "$phpincludedir/Zend/zend_modules.h"`
  test -n "$wx_token_kind" || AC_MSG_ERROR([there is no ZEND_MODULE_API_NO in $phpincludedir/Zend/zend_modules.h. Install the development files of this PHP])
  test "$PHP_THREAD_SAFETY" = "yes" && wx_token_kind="$wx_token_kind-zts"
  test "$ZEND_DEBUG" = "yes" && wx_token_kind="$wx_token_kind-debug"
  AC_MSG_RESULT([$wx_token_kind])

  dnl Plain ./configure leaves the bare word php-config, where ext-php-rs wants a path. And what is not set must not
  dnl be set to nothing.
  wx_token_environment="PHP=$PHP_EXECUTABLE PHP_CONFIG=`command -v "$PHP_CONFIG"`"
  test -n "$RUSTC" && wx_token_environment="$wx_token_environment RUSTC=$RUSTC"
  test -n "$LIBCLANG_PATH" && wx_token_environment="$wx_token_environment LIBCLANG_PATH=$LIBCLANG_PATH"
  wx_token_cargo="${CARGO:-cargo}"

  PHP_SUBST([wx_token_root])
  PHP_SUBST([wx_token_kind])
  PHP_SUBST([wx_token_environment])
  PHP_SUBST([wx_token_cargo])
  dnl configure makes the folders of C sources, and complains if there are none.
  PHP_ADD_BUILD_DIR([$abs_builddir/modules])
  dnl In place of PHP_NEW_EXTENSION: a C compiler and libtool have nothing to do here.
  PHP_MODULES="$PHP_MODULES \$(phplibdir)/wx_token.la"
  dnl With all three arguments: it is PHP_NEW_EXTENSION that sets the defaults, and without them nothing is added.
  PHP_ADD_MAKEFILE_FRAGMENT([$abs_srcdir/Makefile.frag], [$abs_srcdir], [$abs_builddir])
fi
