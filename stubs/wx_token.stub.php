<?php

/**
 * What the extension wx_token adds to PHP, for IDEs and static analysis.
 *
 * This file is never loaded beside the extension. A test holds it against the loaded extension, so
 * it is true of it.
 */

namespace {
    /**
     * Returns the valid access token of a token file, refreshed first if need be.
     *
     * A valid token is returned at once, without a lock. When it is due (`refresh_ahead` before its
     * expiry), one of all callers starts a refresh, on a thread, and nobody waits for it. If there is
     * no valid token, exactly one of all callers, in whatever process, asks WeChat; the others wait
     * for it and share what it gets: the token, or the failure.
     *
     * The token file keeps the layout that it has; MIGRATION.md lists those that are known. It is made
     * if it is missing, and repaired if it is empty or torn. A file that is something else is never
     * overwritten. The option `layout` is for new files, and for those whose content does not tell.
     *
     * @param string $file The token file: a path on this machine.
     * @param array{
     *     appid?: non-empty-string,
     *     secret?: non-empty-string,
     *     corpid?: non-empty-string,
     *     corpsecret?: non-empty-string,
     *     endpoint?: 'stable'|'classic'|'wecom',
     *     layout?: 'expire'|'expire_time'|'expires'|'expires_at'|'expired'|'expires_in'|'expires_time:fetched'|'expires_time:expiry'|'guarded'|'serialize'|'plain',
     *     refresh_ahead?: int|float|numeric-string,
     *     lock_timeout?: int|float|numeric-string,
     *     timeout?: int|float|numeric-string,
     * }|(callable(): (array{access_token: non-empty-string, expires_in: int}|array{access_token: non-empty-string, expire: int}|non-empty-string))|null $source
     *     Where a token comes from: account options (times in seconds), or null for the account of
     *     the settings or the environment. Or a loader: it is called without arguments, under the
     *     lock, and returns the token with its life in seconds (`expires_in`) or its expiry in Unix
     *     time (`expire`), or WeChat's own JSON as a string. What it throws reaches the caller. It
     *     must not call these functions on its own file.
     *
     * @return non-empty-string
     *
     * @throws WxToken\ApiException     WeChat refused, now or when it was last asked.
     * @throws WxToken\NetworkException WeChat, or the loader, gave no usable answer.
     * @throws WxToken\LockException    The lock was not had within `lock_timeout`, or this process
     *                                  holds it itself.
     * @throws WxToken\FileException    The file cannot be used. It is as it was.
     * @throws WxToken\ConfigException  There is no account, or the file keeps the token of another one;
     *                                  or a setting cannot be used.
     * @throws TypeError|ValueError     An argument is invalid.
     */
    function wx_get_token(string $file, #[\SensitiveParameter] array|callable|null $source = null): string {}

    /**
     * Returns the valid access token of a token file without ever waiting, for event loops; null while
     * there is none.
     *
     * Where wx_get_token() would wait, this starts a refresh on a thread, if nobody is at it, and returns
     * null: ask again in some 20 ms. A valid token is returned at once, and renewed on a thread when it is
     * due, whatever `wx_token.background` says. What a failed refresh left is thrown until it may be tried
     * again, so a loop that asks until it has a token comes to an end.
     *
     * A file that was written within the last 50 ms is not read yet: then, too, it returns null. Within
     * wx_with_lock() on the same file nobody can refresh, so without a valid token that is a
     * LockException. A loader would run on the thread of PHP, so there is none here.
     *
     * @param string $file As for wx_get_token().
     * @param array<string, mixed>|null $source Account options, as for wx_get_token().
     *
     * @return non-empty-string|null
     *
     * @throws WxToken\Exception    As for wx_get_token(); `lock_timeout` has no meaning here.
     * @throws TypeError|ValueError An argument is invalid.
     */
    function wx_try_token(string $file, #[\SensitiveParameter] ?array $source = null): ?string {}

    /**
     * Replaces an access token that WeChat's interfaces refused with 40001, 40014 or 42001, once for
     * all callers: whoever comes with a token that is no longer the file's gets the file's at once.
     *
     * @param string $file As for wx_get_token().
     * @param non-empty-string $rejected The token that was refused.
     * @param array<string, mixed>|callable|null $source As for wx_get_token().
     *
     * @return non-empty-string Another token than `$rejected`.
     *
     * @throws WxToken\ApiException Also, with code 40001, if WeChat gives no other token: it renews a
     *                              stable token on demand at most every 30 s and 20 times a day.
     * @throws WxToken\Exception    As for wx_get_token().
     * @throws TypeError|ValueError An argument is invalid.
     */
    function wx_refresh_token(string $file, #[\SensitiveParameter] string $rejected, #[\SensitiveParameter] array|callable|null $source = null): string {}

    /**
     * Returns the valid ticket of a ticket file, refreshed first if need be, as wx_get_token() does
     * for tokens. The access token for it is that of `$tokenFile`; one that WeChat refuses is
     * replaced once.
     *
     * A new ticket file is `{"jsapi_ticket":"…","expire":seconds}`, with `wx_card_ticket` or
     * `agent_config_ticket` for the other types. `ticket` is accepted as a key, and kept.
     *
     * @param string $ticketFile The ticket file. Its lock is taken before the token file's.
     * @param string $tokenFile The token file.
     * @param 'jsapi'|'wx_card'|'agent_config' $type `agent_config` is WeCom's.
     * @param array<string, mixed>|null $source Account options, as for wx_get_token().
     *
     * @return non-empty-string
     *
     * @throws WxToken\Exception    As for wx_get_token(), about either file.
     * @throws TypeError|ValueError An argument is invalid.
     */
    function wx_get_ticket(string $ticketFile, string $tokenFile, string $type = 'jsapi', #[\SensitiveParameter] ?array $source = null): string {}

    /**
     * Describes the file of a token or ticket without locking it and without asking WeChat. Never
     * tells a token or a secret.
     *
     * - `state`: `fresh`, `due`, `expired` (or without a token), `damaged` (torn, or all NUL bytes),
     *   `missing` (with an `error` if its directory is, too), or `unusable` (see `error`)
     * - `stored`: false while this process alone has the newest token, since it could not be stored (see
     *   `error`); the other keys tell of that token then
     * - `layout`: how the file spells token and expiry
     * - `expires_at`: Unix time in seconds
     * - `expires_in`, `due_in`: seconds until then and until it is due, negative afterwards
     * - `failure`: the last failed refresh; nobody asks WeChat again before `retry_at` (Unix time, by the clock
     *   of the file system)
     * - `locked`, `holder_pid`: whether some process holds the file's lock, and which
     * - `refreshing`: whether a refresh is under way
     *
     * @param string $file The file: a path on this machine.
     *
     * @return array{
     *     file: string,
     *     exists: bool,
     *     state: 'fresh'|'due'|'expired'|'damaged'|'missing'|'unusable',
     *     stored: bool,
     *     layout: ?string,
     *     expires_at: ?int,
     *     expires_in: ?int,
     *     due_in: ?int,
     *     failure: ?array{errcode: ?int, message: string, failed_at: int, retry_at: int, failures: int},
     *     locked: bool,
     *     holder_pid: ?int,
     *     refreshing: bool,
     *     error: ?string,
     * }
     *
     * @throws WxToken\FileException `open_basedir` bars the file.
     * @throws TypeError|ValueError  The argument is invalid.
     */
    function wx_token_status(string $file): array {}

    /**
     * Runs a callable while holding the lock of a file, and returns its result: the safe form of
     * fopen(), flock(LOCK_EX), work, flock(LOCK_UN).
     *
     * The lock goes when the callable returns, throws, calls exit() or dies of a fatal error, and at the
     * latest when the request ends. Calls of these functions on the same file that come from within the
     * callable use the lock that is held. Other Fibers and coroutines of the process stay out: while the
     * callable is suspended, they get a LockException at once. A missing file is made; the content is
     * never touched. Any regular file will do, not only a token file.
     *
     * @template T
     *
     * @param string $file The file: a path on this machine.
     * @param callable(): T $critical Called without arguments.
     * @param float|null $timeout The longest wait for the lock, in seconds; null for
     *     `wx_token.lock_timeout`.
     *
     * @return T
     *
     * @throws WxToken\LockException The lock was not had in time, or this process holds it itself.
     * @throws WxToken\FileException The file cannot be used.
     * @throws TypeError|ValueError  An argument is invalid.
     */
    function wx_with_lock(string $file, callable $critical, ?float $timeout = null): mixed {}
}

namespace WxToken {
    /** What all failures of this extension have in common. */
    class Exception extends \RuntimeException
    {
        /** The token file of the call, as an absolute path. */
        public string $tokenFile = '';
    }

    /** WeChat answered with an error code: the exception's code. */
    class ApiException extends Exception
    {
        /** WeChat's own message. */
        public string $errmsg = '';

        /** Nobody asks WeChat again before this moment: Unix time in seconds. */
        public int $retryAt = 0;
    }

    /**
     * WeChat gave no usable answer: name lookup, TLS, connection, time limit, HTTP status, not JSON; or no thread
     * could be started to ask it.
     */
    class NetworkException extends Exception
    {
        /** Nobody asks WeChat again before this moment: Unix time in seconds; 0 if nobody was asked. */
        public int $retryAt = 0;
    }

    /** The lock was not had in time, or waiting for it would be waiting for oneself. */
    class LockException extends Exception
    {
        /** The process that holds the lock; null if the system does not tell. */
        public ?int $holderPid = null;
    }

    /**
     * The token file cannot be read or written, or is not a token file; another process could not store its new
     * token; or a refresh takes too long, as on a disk that hangs.
     */
    class FileException extends Exception {}

    /**
     * There is no account, or the file keeps the token of another one; or a setting or the accounts file cannot be
     * used.
     */
    class ConfigException extends Exception {}
}
