<?php

/**
 * The functions and classes of the extension wx_token, for IDEs and static analysis.
 *
 * PHP never loads this file together with the extension. A test compares it with the loaded extension.
 */

namespace {
    /**
     * Returns the valid access token of a token file. Refreshes it first if necessary.
     *
     * A valid token is returned at once, without a lock. When it is due (`refresh_ahead` before its
     * expiry), one caller starts a background refresh, and no caller waits for it. Without a valid
     * token, exactly one caller in all processes fetches one from WeChat. The others wait and share
     * its result: the token, or the failure.
     *
     * The token file keeps its layout; MIGRATION.md lists the supported ones. A missing file is
     * created, and an empty or partial one is repaired. Any other file is never overwritten. The
     * option `layout` is for new files, and for those with more than one possible meaning.
     *
     * @param string $file The token file: a local path.
     * @param array{
     *     appid?: non-empty-string,
     *     secret?: non-empty-string,
     *     corpid?: non-empty-string,
     *     corpsecret?: non-empty-string,
     *     endpoint?: 'stable'|'classic'|'wecom',
     *     layout?: 'expire'|'expire_time'|'expires'|'expires_at'|'expired'|'expires_in'|'token+expires'|'guarded'|'serialize'|'plain'|'csv'|'csv:fetched'|'csv:expiry'|'expires_in:expiry'|'expires_time:fetched'|'expires_time:expiry'|'time+expires_in'|'time:fetched'|'time:expiry'|'tokentime+expires_in'|'tokentime:fetched'|'tokentime:expiry'|'get_time+expires_in'|'get_time:fetched'|'get_time:expiry'|'update_time+expires_in'|'update_time:fetched'|'update_time:expiry'|'create_time+expires_in'|'create_time:fetched'|'create_time:expiry'|'fetch_time+expires_in'|'fetch_time:fetched'|'fetch_time:expiry'|'timestamp+expires_in'|'timestamp:fetched'|'timestamp:expiry',
     *     loader?: callable(): (array{access_token: non-empty-string, expires_in: int}|array{access_token: non-empty-string, expire: int}|non-empty-string),
     *     share_as?: non-empty-string,
     *     refresh_ahead?: int|float|numeric-string,
     *     lock_timeout?: int|float|numeric-string,
     *     timeout?: int|float|numeric-string,
     * }|(callable(): (array{access_token: non-empty-string, expires_in: int}|array{access_token: non-empty-string, expire: int}|non-empty-string))|null $source
     *     The token source. Options of the call (times in seconds); null for the account of the settings
     *     or the environment. Or a loader, alone or as the option `loader`: it is called without arguments,
     *     under the lock, and returns the token with its lifetime in seconds (`expires_in`) or its expiry
     *     in Unix time (`expire`), or WeChat's own JSON as a string. Its exceptions reach the caller. It
     *     must not call these functions on its own file. With `wx_token.store`, what it gives is shared by all
     *     servers whose calls have the same `share_as`.
     *
     * @return non-empty-string
     *
     * @throws WxToken\ApiException     WeChat answered with an errcode, now or at the last fetch.
     * @throws WxToken\NetworkException WeChat, or the loader, gave no usable answer.
     * @throws WxToken\LockException    The lock was not acquired within `lock_timeout`, or this process
     *                                  already holds it.
     * @throws WxToken\FileException    The file cannot be used. It is unchanged.
     * @throws WxToken\ConfigException  There is no account, or the file contains the token of another one;
     *                                  or a setting cannot be used.
     * @throws TypeError|ValueError     An argument is invalid.
     */
    function wx_get_token(string $file, #[\SensitiveParameter] array|callable|null $source = null): string {}

    /**
     * Returns the valid access token of a token file, or null while there is none. It never waits, which
     * makes it the function for event loops.
     *
     * Where wx_get_token() would wait, this starts a background refresh, unless one is running, and
     * returns null: call again in some 20 ms. A valid token is returned at once. When it is due, it is
     * refreshed in the background, whatever `wx_token.background` says. The failure of a refresh is thrown
     * until the next attempt is allowed, so a loop that calls until it has a token comes to an end.
     *
     * A file that was written within the last 50 ms is not read yet: then, too, the result is null. Within
     * wx_with_lock() on the same file no refresh can start, so without a valid token that is a
     * LockException. There is no loader here: it would run on PHP's own thread.
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
     * Replaces an access token that WeChat's APIs rejected with 40001, 40014 or 42001, once for all
     * callers. If the file already contains another token, that one is returned at once.
     *
     * @param string $file As for wx_get_token().
     * @param non-empty-string $rejected The token that WeChat rejected.
     * @param array<string, mixed>|callable|null $source As for wx_get_token().
     *
     * @return non-empty-string Another token than `$rejected`.
     *
     * @throws WxToken\ApiException Also, with code 40001, if WeChat still returns the rejected token. It
     *                              replaces a stable token at most every 30 s and 20 times a day.
     * @throws WxToken\Exception    As for wx_get_token().
     * @throws TypeError|ValueError An argument is invalid.
     */
    function wx_refresh_token(string $file, #[\SensitiveParameter] string $rejected, #[\SensitiveParameter] array|callable|null $source = null): string {}

    /**
     * Returns the valid ticket of a ticket file, as wx_get_token() does for tokens. It is fetched with
     * the access token of `$tokenFile`. If WeChat rejects that token, it is replaced once.
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
     * Describes the file of a token or ticket without a lock and without a fetch. The result never
     * contains a token or a secret.
     *
     * - `state`: `fresh`, `due`, `expired` (or without a token), `damaged` (partial, or all NUL bytes),
     *   `missing` (with an `error` if its directory is, too), or `unusable` (see `error`)
     * - `stored`: false while only this process has the newest token, because it could not be stored (see
     *   `error`); the other keys then describe that token
     * - `layout`: how the file writes token and expiry; several expiries are joined by `+`
     * - `expires_at`: Unix time in seconds
     * - `expires_in`, `due_in`: seconds until then and until it is due, negative afterwards
     * - `failure`: the last failed refresh; the next attempt is at `retry_at` (Unix time, by the clock
     *   of the file system)
     * - `locked`, `holder_pid`: whether a process holds the file's lock, and which
     * - `refreshing`: whether a refresh is running
     * - `store`: the shared store as this server last found it, without asking it; null if none is set. Whether
     *   what is sent to it is `encrypted` (or stays on this machine), when it last confirmed the token, and, if it
     *   failed, why and until when it is left alone
     * - `log`: where events are logged, and why they cannot be; null if `wx_token.log` is not set
     * - `exposed`: why others may read the file, and what to do; null if they may not. Whether a web server may
     *   send it is known within a request, from DOCUMENT_ROOT
     * - `implementation`: `extension`, or `polyfill` if the functions are those of the Composer library
     *
     * @param string $file The file: a local path.
     * @param array<string, mixed>|null $source The options of the calls on this file: `layout` and
     *     `refresh_ahead` count, the others have no meaning here.
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
     *     store: ?array{place: string, encrypted: bool, confirmed_at: ?int, retry_at: ?int, error: ?string},
     *     log: ?array{place: string, error: ?string},
     *     exposed: ?string,
     *     error: ?string,
     *     implementation: 'extension'|'polyfill',
     * }
     *
     * @throws WxToken\FileException `open_basedir` does not include the file.
     * @throws TypeError|ValueError  An argument is invalid.
     */
    function wx_token_status(string $file, #[\SensitiveParameter] ?array $source = null): array {}

    /**
     * Runs a callable while holding the lock of a file, and returns its result: the safe form of
     * fopen(), flock(LOCK_EX), work, flock(LOCK_UN).
     *
     * The lock is released when the callable returns, throws, calls exit() or dies of a fatal error, and
     * at the latest when the request ends. Calls of these functions on the same file from within the
     * callable use that lock. Other Fibers and coroutines of the process cannot: while the callable is
     * suspended, they get a LockException at once. A missing file is created; the content is never
     * changed. Any regular file works, not only a token file.
     *
     * @template T
     *
     * @param string $file The file: a local path.
     * @param callable(): T $critical Called without arguments.
     * @param float|null $timeout The longest wait for the lock, in seconds; null for
     *     `wx_token.lock_timeout`.
     *
     * @return T
     *
     * @throws WxToken\LockException The lock was not acquired in time, or this process already holds it.
     * @throws WxToken\FileException The file cannot be used.
     * @throws TypeError|ValueError  An argument is invalid.
     */
    function wx_with_lock(string $file, callable $critical, ?float $timeout = null): mixed {}
}

namespace WxToken {
    /** The base class of this extension's exceptions. */
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

        /** The time of the next attempt: Unix time in seconds. */
        public int $retryAt = 0;
    }

    /**
     * WeChat gave no usable answer: name lookup, TLS, connection, time limit, HTTP status, not JSON; or no thread
     * could be started to ask it.
     */
    class NetworkException extends Exception
    {
        /** The time of the next attempt: Unix time in seconds; 0 if WeChat was not asked. */
        public int $retryAt = 0;
    }

    /** The lock could not be acquired in time, or this process already holds it. */
    class LockException extends Exception
    {
        /** The process that holds the lock; null if the system does not say which. */
        public ?int $holderPid = null;
    }

    /**
     * The token file cannot be read or written, or is not a token file; another process could not store its new
     * token; or a refresh takes too long, as on a disk that hangs.
     */
    class FileException extends Exception {}

    /**
     * There is no account, or the file contains the token of another one; or a setting or the accounts file cannot be
     * used.
     */
    class ConfigException extends Exception {}
}
