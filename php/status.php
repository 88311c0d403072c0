<?php // Shut to everyone but this machine: REMOTE_ADDR must be in 'allow' below, and no proxy may have passed the request on.
/*
 * The status page of wx_token: one file to copy to where your web server runs PHP. It works with the extension and with
 * the polyfill, and shows neither tokens nor secrets. docs/status-page.md describes it.
 */

namespace WxToken\StatusPage;

$settings = [
    // Token files and ticket files: paths, also with *, ? and [...]. A path may have the options of your own calls:
    //   '/srv/site/token.json' => ['appid' => 'wx...'],
    //   '/srv/site/ticket.json' => ['ticket' => 'jsapi', 'token_file' => '/srv/site/token.json'],
    'files' => ['/var/www/data/*.json'],

    // Whom to let in: addresses, or networks such as '10.1.0.0/16'. REMOTE_ADDR alone counts, never a header.
    'allow' => ['127.0.0.0/8', '::1'],

    // The names by which this page may be asked for, without a port. It keeps other web sites from reading this page
    // through your browser, by a name that they point to an allowed address.
    'hosts' => ['localhost', '127.0.0.1', '[::1]'],

    // A request that a proxy has passed on is refused. Set true only if your web server puts the visitor's own address
    // into REMOTE_ADDR (nginx: real_ip, Apache: mod_remoteip). On loopback, such a request is refused all the same.
    'behind_proxy' => false,

    // Whether the page has buttons that refresh a token.
    'refresh' => false,

    // The log to read. null: that of wx_token.log. If that is "syslog", the file in which your syslog writes it.
    'log' => null,

    // What to load where the extension is not: php/bootstrap.php of the repository, or Composer's vendor/autoload.php.
    'library' => __DIR__ . '/bootstrap.php',
];

const DAY = 86400;

// No page takes longer, or more memory, because a site is busy.
const MOST_FILES = 200;
const MOST_LOG_BYTES = 4194304;
const LONGEST_LINE = 8192;
const MOST_EVENTS_SHOWN = 25;
const MOST_HOSTS_SHOWN = 20;

// A mark of the timeline stands for what happened within so many seconds.
const MARK_SPAN = 300;

// Seconds by which the clock may be set, or a process may stand still, within a call.
const CALL_SLACK = 1;

const WECHAT_LIFETIME = 7200;

// Headers that proxies and CDNs add, as PHP names them.
const PROXY_HEADER = '/^HTTP_(?:\w*(?:FORWARDED|(?:REAL|CLIENT|CONNECTING|ORIGINATING|REMOTE|SRC)_?IP|REMOTE_ADDR|CDN_)\w*|(?:X_)?VIA\w*|CF_\w+|X_ENVOY_\w+)$/D';

const KEY_COOKIE = 'wx_token_status';
const NOTE_COOKIE = 'wx_token_status_note';

const STATES = ['fresh', 'due', 'expired', 'damaged', 'missing', 'unusable'];

const LEVELS = [
    'refreshed' => 'notice', 'adopted' => 'notice', 'stored' => 'notice', 'failed' => 'error', 'not_stored' => 'error', 'rejected' => 'warning',
    'displaced' => 'warning', 'interrupted' => 'warning', 'lock_timeout' => 'error', 'waited' => 'info',
];

// ---- The request

/** Sends the page, or nothing of it but that it failed: half a page would look as if there were no more files. */
function answer(array $settings): void
{
    set('display_errors', '0');
    ob_start();
    try {
        respond($settings);
        ob_end_flush();
    } catch (\Throwable $thrown) {
        ob_end_clean();
        // Without its trace, which may hold the arguments of calls.
        error_log('the status page of wx_token failed: ' . $thrown->getMessage() . ' (' . $thrown->getFile() . ':' . $thrown->getLine() . ')');
        plain(500, say('This page failed. PHP\'s error log says why.'));
    }
}

/** Some hosts have disabled ini_set(). */
function set(string $name, string $value): void
{
    if (function_exists('ini_set')) {
        ini_set($name, $value);
    }
}

function respond(array $settings): void
{
    header('Cache-Control: no-store');
    header('X-Content-Type-Options: nosniff');
    header('X-Frame-Options: DENY');
    header('X-Robots-Tag: noindex');
    header('Cross-Origin-Resource-Policy: same-origin');
    // Not no-referrer: with it, browsers send no usable Origin with the form.
    header('Referrer-Policy: same-origin');
    header("Content-Security-Policy: default-src 'none'; style-src 'sha256-" . base64_encode(hash('sha256', STYLE, true))
        . "'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    header('Vary: Accept-Language');
    Words::$language = language();

    $refusal = refusal($settings);
    if ($refusal !== null) {
        plain(403, $refusal);
        return;
    }
    $method = $_SERVER['REQUEST_METHOD'] ?? 'GET';
    if (!in_array($method, $settings['refresh'] ? ['GET', 'HEAD', 'POST'] : ['GET', 'HEAD'], true)) {
        header('Allow: GET, HEAD' . ($settings['refresh'] ? ', POST' : ''));
        plain(405, $method === 'POST' ? say('Refreshing by hand is off. Set \'refresh\' in the first lines of this page.') : 'GET, HEAD');
        return;
    }
    if (!function_exists('wx_token_status') && is_file($settings['library'])) {
        require_once $settings['library'];
    }
    if (!function_exists('wx_token_status')) {
        plain(503, say('The extension wx_token is not loaded. Load it, or set \'library\' in the first lines of this page.'));
        return;
    }
    $format = text_of($_GET, 'format');
    if (!in_array($format, ['', 'html', 'json', 'prometheus'], true)) {
        plain(400, say('This format is not known: use json or prometheus.'));
        return;
    }
    $files = token_files($settings['files']);
    $note = null;
    if ($method === 'POST') {
        $note = answer_form($files);
        if ($note === null) {
            return;
        }
    }
    // Metrics are asked for often, and have nothing from the log.
    $view = view($settings, $files, $format !== 'prometheus');
    if ($format === 'json') {
        header('Content-Type: application/json');
        echo as_json($view);
    } elseif ($format === 'prometheus') {
        header('Content-Type: text/plain; version=0.0.4; charset=utf-8');
        echo as_prometheus($view);
    } else {
        header('Content-Type: text/html; charset=utf-8');
        header('Content-Language: ' . (Words::$language === 'zh' ? 'zh-CN' : 'en'));
        if (text_of($_GET, 'every') === '60' && $note === null) {
            header('Refresh: 60');
        }
        $key = $settings['refresh'] ? browser_key() : null;
        page($view, $note ?? ($key === null ? null : note_of_last_form($key)), $key);
    }
}

/** Why this visitor is not let in, and what to do; null if they are. */
function refusal(array $settings): ?string
{
    $address = text_of($_SERVER, 'REMOTE_ADDR');
    $isAllowed = false;
    foreach ($settings['allow'] as $network) {
        $isAllowed = $isAllowed || is_within($address, $network);
    }
    if (!$isAllowed) {
        return say('This page is not open to %s. Add it to \'allow\' in its first lines.', printable($address) ?: '?');
    }
    $isLoopback = is_within($address, '127.0.0.0/8') || is_within($address, '::1');
    foreach (array_keys($_SERVER) as $name) {
        if (preg_match(PROXY_HEADER, (string) $name) === 1 && ($isLoopback || !$settings['behind_proxy'])) {
            return say('This page is not open to requests through a proxy. Ask for it directly, or see \'behind_proxy\' in its first lines.');
        }
    }
    $host = strtolower((string) preg_replace('/:\d*$/D', '', text_of($_SERVER, 'HTTP_HOST')));
    if (!in_array($host, array_map('strtolower', $settings['hosts']), true)) {
        return say('This page is not open by the name %s. Add it to \'hosts\' in its first lines.', printable($host) ?: '?');
    }
    return null;
}

/** Whether `$address` is in `$network`, as in 10.0.0.0/8. */
function is_within(string $address, string $network): bool
{
    $parts = explode('/', $network, 2);
    [$bytes, $wanted] = [packed($address), packed($parts[0])];
    if ($bytes === null || $wanted === null || strlen($bytes) !== strlen($wanted)) {
        return false;
    }
    $bits = $parts[1] ?? (string) (8 * strlen($wanted));
    if (preg_match('/^\d{1,3}$/D', $bits) !== 1 || $bits > 8 * strlen($wanted)) {
        return false;
    }
    [$whole, $rest] = [intdiv((int) $bits, 8), (int) $bits % 8];
    if (strncmp($bytes, $wanted, $whole) !== 0) {
        return false;
    }
    return $rest === 0 || ((ord($bytes[$whole]) ^ ord($wanted[$whole])) >> (8 - $rest)) === 0;
}

/** The bytes of an IP address; of an IPv4 address, the four. */
function packed(string $address): ?string
{
    $bytes = preg_match('/^[0-9a-f.:]+$/Di', $address) === 1 ? @inet_pton($address) : false;
    if ($bytes === false) {
        return null;
    }
    $mapped = str_repeat("\0", 10) . "\xff\xff";
    return strlen($bytes) === 16 && strncmp($bytes, $mapped, 12) === 0 ? substr($bytes, 12) : $bytes;
}

function host(): string
{
    return function_exists('gethostname') ? (string) gethostname() : '';
}

function text_of(array $values, string $name): string
{
    return isset($values[$name]) && is_string($values[$name]) ? $values[$name] : '';
}

function language(): string
{
    $wanted = text_of($_GET, 'lang');
    if ($wanted === 'en' || $wanted === 'zh') {
        return $wanted;
    }
    [$best, $weight] = ['en', 0.0];
    foreach (explode(',', text_of($_SERVER, 'HTTP_ACCEPT_LANGUAGE')) as $range) {
        if (preg_match('/^\s*(en|zh)\b[^;]*(?:;\s*q=([01](?:\.\d+)?))?/i', $range, $match) === 1) {
            $quality = isset($match[2]) ? (float) $match[2] : 1.0;
            if ($quality > $weight) {
                [$best, $weight] = [strtolower($match[1]), $quality];
            }
        }
    }
    return $best;
}

function plain(int $status, string $text): void
{
    http_response_code($status);
    header('Content-Type: text/plain; charset=utf-8');
    echo $text, "\n";
}

// ---- Refreshing by hand

/*
 * The key of the forms is in a cookie of this visit, and nowhere on the server: no file to protect, no session. Another
 * site cannot read it, and SameSite keeps the browser from sending it along. A program on another port of this
 * host could set that cookie, so Origin has to be this page's, too.
 */
function browser_key(): string
{
    $key = text_of($_COOKIE, KEY_COOKIE);
    if (preg_match('/^[0-9a-f]{64}$/D', $key) !== 1) {
        $key = bin2hex(random_bytes(32));
        send_cookie(KEY_COOKIE, $key);
    }
    return $key;
}

function send_cookie(string $name, string $value, string $more = ''): void
{
    header("Set-Cookie: $name=$value; HttpOnly; SameSite=Strict" . (scheme() === 'https' ? '; Secure' : '') . $more, false);
}

/** How the page was asked for, as the web server tells PHP. */
function scheme(): string
{
    $https = strtolower(text_of($_SERVER, 'HTTPS'));
    $https = $https === '' ? strtolower(text_of($_SERVER, 'REQUEST_SCHEME')) : $https;
    return in_array($https, ['', 'off', 'http'], true) ? 'http' : 'https';
}

function form_token(string $key, string $id): string
{
    return hash_hmac('sha256', "refresh\n$id", $key);
}

/**
 * Refreshes a token, as the form asks, and sends the browser back to the page. Returns what to show in place of that.
 *
 * @return array{string, string}|null
 */
function answer_form(array $files): ?array
{
    $id = text_of($_POST, 'file');
    $key = text_of($_COOKIE, KEY_COOKIE);
    $origin = scheme() . '://' . text_of($_SERVER, 'HTTP_HOST');
    $site = text_of($_SERVER, 'HTTP_SEC_FETCH_SITE');
    $isOurs = preg_match('/^[0-9a-f]{64}$/D', $key) === 1 && hash_equals(form_token($key, $id), text_of($_POST, 'token'))
        && text_of($_SERVER, 'HTTP_ORIGIN') === $origin && ($site === '' || $site === 'same-origin');
    if (!$isOurs || !isset($files[$id])) {
        http_response_code(403);
        return ['bad', say('Nothing was refreshed: the request did not come from a form of this page, or the page was too old. Try again.')];
    }
    $note = refresh($files[$id]['path'], $files[$id]['options']);
    $text = base64_encode((string) json_encode([$note[0], $note[1], $id], JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR));
    $text = strtr(rtrim($text, '='), '+/', '-_');
    send_cookie(NOTE_COOKIE, $text . '.' . hash_hmac('sha256', "note\n$text", $key), '; Max-Age=60');
    header('Location: ' . link_to(['format' => null]) . "#f-$id", true, 303);
    return null;
}

/** @return array{string, string, string}|null */
function note_of_last_form(string $key): ?array
{
    $parts = explode('.', text_of($_COOKIE, NOTE_COOKIE));
    if (count($parts) !== 2 || !hash_equals(hash_hmac('sha256', "note\n$parts[0]", $key), $parts[1])) {
        return null;
    }
    send_cookie(NOTE_COOKIE, '', '; Max-Age=0');
    $note = json_decode((string) base64_decode(strtr($parts[0], '-_', '+/')), true);
    return is_array($note) && count($note) === 3 ? $note : null;
}

/**
 * Asks for a token as if the one of the file were due. That is no forced refresh, of which WeChat allows 20 a day:
 * `stable` and `wecom` return the same token while it is valid, and a second call soon after asks nobody.
 *
 * @return array{string, string} How it went, and what to say of it.
 */
function refresh(string $path, array $options): array
{
    // The visitor waits for the result; the polyfill has no thread anyway.
    set('wx_token.background', '0');
    $before = status($path, $options);
    [$ticket, $tokenFile] = [$options['ticket'] ?? null, $options['token_file'] ?? null];
    unset($options['ticket'], $options['token_file']);
    $options += ['lock_timeout' => 5];
    $options['refresh_ahead'] = DAY;
    try {
        if ($ticket !== null) {
            \wx_get_ticket($path, (string) $tokenFile, $ticket, $options);
        } else {
            \wx_get_token($path, $options);
        }
    } catch (\Throwable $thrown) {
        return ['bad', say('Not refreshed: %s', $thrown->getMessage())];
    }
    $after = status($path, $options);
    if ($after['failure'] !== null && $after['failure'] !== $before['failure']) {
        return ['bad', say('Not refreshed: %s', cause($after['failure']))];
    }
    $until = clock_time((int) $after['expires_at']);
    if ($before['expires_at'] === null || abs($after['expires_at'] - $before['expires_at']) > 2) {
        return ['ok', say('Refreshed: a new token, valid until %s.', $until)];
    }
    return ['ok', say('The token stays: WeChat gave the same one, or was asked a short while ago. It is valid until %s.', $until)];
}

// ---- What there is to show

/** @return array<string, array{path: string, options: array}> */
function token_files(array $entries): array
{
    $files = [];
    foreach ($entries as $name => $entry) {
        [$path, $options] = is_array($entry) ? [(string) $name, $entry] : [(string) $entry, []];
        $found = !file_exists($path) && strpbrk($path, '*?[') !== false ? (glob($path) ?: []) : [$path];
        foreach ($found as $each) {
            if (!is_dir($each) || $each === $path) {
                $id = substr(hash('sha256', $each), 0, 12);
                $files += [$id => ['path' => $each, 'options' => $options]];
            }
        }
    }
    return array_slice($files, 0, MOST_FILES, true);
}

/** wx_token_status(), also of a path that it does not take. */
function status(string $path, array $options): array
{
    unset($options['ticket'], $options['token_file']);
    try {
        $status = \wx_token_status($path, $options);
    } catch (\Throwable $thrown) {
        $status = ['file' => $path, 'exists' => false, 'state' => 'unusable', 'error' => $thrown->getMessage()];
    }
    return $status + [
        'stored' => true, 'layout' => null, 'expires_at' => null, 'expires_in' => null, 'due_in' => null, 'failure' => null,
        'locked' => false, 'holder_pid' => null, 'refreshing' => false, 'store' => null, 'error' => null,
        'implementation' => extension_loaded('wx_token') ? 'extension' : 'polyfill',
    ];
}

function view(array $settings, array $files, bool $withLog): array
{
    $now = microtime(true);
    $view = ['now' => $now, 'since' => $now - DAY, 'files' => [], 'place' => null, 'is_log_known' => false, 'log_error' => null, 'log' => null];
    foreach ($files as $id => $file) {
        $status = status($file['path'], $file['options']);
        $view['files'][$id] = $file + ['id' => (string) $id, 'status' => $status, 'events' => [], 'last' => null, 'hosts' => []];
        if (is_array($status['log'] ?? null)) {
            $view['is_log_known'] = true;
            $view['place'] = $view['place'] ?? $status['log']['place'];
            $view['log_error'] = $view['log_error'] ?? $status['log']['error'];
        }
    }
    $place = $view['place'] ?? (ini_get('wx_token.log') ?: (get_cfg_var('wx_token.log') ?: null));
    $view['place'] = $place;
    $read = $settings['log'] ?? ($place === 'syslog' ? null : $place);
    if ($read !== null && $withLog) {
        $view['log'] = read_log($read, $view['since'], $now);
        $view['files'] = with_events($view['files'], $view['log']['events'], $view['since']);
    }
    foreach ($view['files'] as $id => $file) {
        $view['files'][$id]['remarks'] = remarks($file, $now);
        $view['files'][$id]['level'] = level($view['files'][$id]);
    }
    return $view;
}

/** `$files` with what the log tells of each of them, by its path or its real path. */
function with_events(array $files, array $events, float $since): array
{
    $ids = $known = $displaced = [];
    foreach ($files as $id => $file) {
        $ids[printable($file['path'])] = $id;
        $ids += [printable((string) (realpath($file['path']) ?: $file['path'])) => $id];
    }
    foreach ($events as $event) {
        $id = $ids[$event['file']] ?? null;
        if ($id === null) {
            continue;
        }
        // A token that the log knows is of the polyfill, or of a loader that keeps no records.
        $event['foreign'] = $event['foreign'] && ($event['old'] === null || !isset($known[$id][$event['old']]));
        // Before the log has a token of the file, another program wrote it: that is a migration.
        $event['is_write_of_another'] = $event['event'] === 'displaced'
            || ($event['foreign'] && isset($known[$id]) && !is_of_one_call($displaced[$id] ?? null, $event));
        if ($event['event'] === 'displaced') {
            $displaced[$id] = $event;
        }
        if (in_array($event['event'], ['refreshed', 'adopted', 'stored'], true)) {
            $known[$id][(string) $event['new']] = true;
        }
        if ($event['event'] === 'refreshed' || $event['event'] === 'adopted') {
            $files[$id]['last'] = $event;
        }
        if ($event['host'] !== null) {
            // Those that were heard of last are at the end.
            unset($files[$id]['hosts'][$event['host']]);
            $files[$id]['hosts'][$event['host']] = $event;
        }
        if ($event['at'] >= $since) {
            $files[$id]['events'][] = $event;
        }
    }
    return $files;
}

/** Whether `$event` tells of the same write as `$displaced`: the call found another program's token, and refreshed it at once. */
function is_of_one_call(?array $displaced, array $event): bool
{
    if ($displaced === null || $displaced['pid'] !== $event['pid'] || $displaced['host'] !== $event['host']) {
        return false;
    }
    $milliseconds = max((int) $event['waited_ms'], (int) $event['fetch_ms']);
    return $displaced['at'] >= $event['at'] - $milliseconds / 1000 - CALL_SLACK;
}

/**
 * What somebody should know of a file, beside its state: how serious it is, a text, a message, which is English, and
 * perhaps another text.
 *
 * @return list<array{0: string, 1: string, 2: string, 3?: string}>
 */
function remarks(array $file, float $now): array
{
    $status = $file['status'];
    $remarks = [];
    if ($status['error'] !== null) {
        $remarks[] = [$status['state'] === 'missing' ? 'warn' : 'bad', '', $status['error']];
    }
    if (($status['exposed'] ?? null) !== null) {
        $remarks[] = ['warn', say('Others may read this file.'), $status['exposed']];
    }
    $failure = $status['failure'];
    if ($failure !== null) {
        $times = $failure['failures'] === 1 ? say('The last refresh failed at %s:', clock_time($failure['failed_at']))
            : say('%d refreshes failed in a row, the last one at %s:', $failure['failures'], clock_time($failure['failed_at']));
        $next = $failure['retry_at'] > $now ? say('Next attempt at %s (%s).', clock_time($failure['retry_at']), from_now($failure['retry_at'] - $now))
            : say('The next call tries again.');
        $remarks[] = ['bad', $times, rtrim(cause($failure), '.') . '.', trim(advice($failure) . ' ' . $next)];
    }
    if (!$status['stored'] && $status['error'] === null) {
        $remarks[] = ['bad', say('Only this process has the newest token: it could not be stored.'), ''];
    }
    if ($status['refreshing']) {
        $remarks[] = ['info', say('A refresh is running.') . ' ' . holder($status), ''];
    } elseif ($status['locked']) {
        $remarks[] = ['info', holder($status), ''];
    }
    if (($status['store']['error'] ?? null) !== null) {
        $remarks[] = ['warn', say('The shared store does not answer.'), $status['store']['error']];
    }
    if ($status['state'] === 'expired' && $status['expires_in'] > 0) {
        $remarks[] = ['warn', say('It counts as expired: its expiry is more than a day away, and WeChat gives two hours.'), say('Check the clock of each server that writes it: one was ahead.')];
    }
    foreach (array_reverse($file['events']) as $event) {
        if ($event['is_write_of_another']) {
            $remarks[] = ['warn', say('Another program writes this file: seen at %s.', clock_time($event['at'])), ''];
            break;
        }
    }
    $texts = [
        'due' => say('The next call refreshes the token. Until it expires, calls return it.'),
        'expired' => say('The next call fetches a new token.'),
        'damaged' => say('The file is half written, or empty of anything but NUL bytes. The next call repairs it.'),
        'missing' => say('The first call creates it.'),
    ];
    if (isset($texts[$status['state']]) && $status['error'] === null && $failure === null && !$status['refreshing']) {
        $remarks[] = ['info', $texts[$status['state']], ''];
    }
    return $remarks;
}

function holder(array $status): string
{
    return $status['holder_pid'] === null ? say('Another process holds the lock.') : say('Process %d holds the lock.', $status['holder_pid']);
}

/** How serious it is: ok, warn or bad. */
function level(array $file): string
{
    $level = ['fresh' => 'ok', 'due' => 'warn', 'missing' => 'warn'][$file['status']['state']] ?? 'bad';
    foreach ($file['remarks'] as $remark) {
        $level = $remark[0] === 'bad' || $level === 'bad' ? 'bad' : ($remark[0] === 'warn' ? 'warn' : $level);
    }
    return $level;
}

/** A token that is due, or a file that the first call creates, is no trouble by itself. */
function needs_attention(array $file): bool
{
    return $file['level'] === 'bad' || in_array('warn', array_column($file['remarks'], 0), true);
}

function cause(array $failure): string
{
    return $failure['errcode'] === null ? $failure['message'] : "errcode $failure[errcode]: $failure[message]";
}

// ---- The log

/**
 * The events of the log and of FILE.1 before it, oldest first: those of the end, so many bytes at most.
 *
 * @return array{events: list<array>, broken: int, from: ?float, error: ?string}
 */
function read_log(string $path, float $since, float $now): array
{
    $log = ['events' => [], 'broken' => 0, 'from' => null, 'error' => null];
    $left = MOST_LOG_BYTES;
    $parts = [];
    foreach ([$path, "$path.1"] as $each) {
        $part = read_end($each, $left, $now);
        if ($part === null) {
            $log['error'] = $each === $path ? unreadable($path) : $log['error'];
            continue;
        }
        $left -= $part['bytes'];
        array_unshift($parts, $part);
        $first = $part['events'][0]['at'] ?? null;
        if ($part['is_cut'] || $left <= 0 || ($first !== null && $first < $since)) {
            $log['from'] = $first !== null && $first > $since ? $first : null;
            break;
        }
    }
    foreach ($parts as $part) {
        $log['broken'] += $part['broken'];
        $log['events'] = array_merge($log['events'], $part['events']);
    }
    // Processes write as they come: lines may be some milliseconds out of order.
    usort($log['events'], static function ($one, $other) {
        return $one['at'] <=> $other['at'];
    });
    return $log;
}

function unreadable(string $path): ?string
{
    if (!file_exists($path)) {
        return is_dir(dirname($path)) ? null : say('The folder of the log does not exist, or PHP may not enter it: %s', printable($path));
    }
    return is_file($path) ? say('PHP may not read the log: %s. Give it to the group of the web server, with mode 0640.', printable($path))
        : say('The log is not a regular file: %s', printable($path));
}

/** The events in the last `$limit` bytes of `$path`; null if it cannot be read. */
function read_end(string $path, int $limit, float $now): ?array
{
    // To open a FIFO would wait for its writer.
    $handle = is_file($path) ? @fopen($path, 'rb') : false;
    if ($handle === false) {
        return null;
    }
    $size = (int) fstat($handle)['size'];
    $start = max(0, $size - $limit);
    $part = ['events' => [], 'broken' => 0, 'bytes' => $size - $start, 'is_cut' => $start > 0];
    $isRest = false;
    if ($start > 0) {
        fseek($handle, $start - 1);
        $isRest = fgetc($handle) !== "\n";
    }
    while (($line = fgets($handle, LONGEST_LINE)) !== false) {
        $isWhole = substr($line, -1) === "\n";
        if ($isWhole && !$isRest) {
            $event = event($line, $now);
            if ($event !== null && isset(LEVELS[$event['event']])) {
                $part['events'][] = $event;
            } elseif ($event === null && rtrim($line, "\r\n") !== '') {
                $part['broken']++;
            }
        }
        $part['broken'] += !$isWhole && !$isRest && !feof($handle) ? 1 : 0;
        $isRest = !$isWhole;
    }
    fclose($handle);
    return $part;
}

/** The event of a line of the log, with members of the expected types alone; null if it is none. */
function event(string $line, float $now): ?array
{
    // A syslog puts its own words before the JSON.
    $raw = json_decode((string) strstr($line, '{'), true, 4);
    if (!is_array($raw) || text_of($raw, 'event') === '' || text_of($raw, 'file') === '') {
        return null;
    }
    if (preg_match('/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z$/D', text_of($raw, 'time'), $match) !== 1) {
        return null;
    }
    $seconds = strtotime("$match[1]Z");
    $at = (int) $seconds + (float) ($match[2] ?? 0);
    if ($seconds === false || $at > $now + 60) {
        return null;
    }
    $event = ['at' => $at, 'event' => $raw['event'], 'file' => $raw['file'], 'foreign' => ($raw['foreign'] ?? false) === true];
    foreach (['ticket', 'appid', 'endpoint', 'message', 'old', 'new', 'host', 'sapi', 'script'] as $name) {
        $event[$name] = isset($raw[$name]) && is_string($raw[$name]) ? $raw[$name] : null;
    }
    foreach (['requests', 'fetch_ms', 'waited_ms', 'errcode', 'failures', 'holder_pid', 'pid'] as $name) {
        $event[$name] = isset($raw[$name]) && is_int($raw[$name]) ? $raw[$name] : null;
    }
    $event['expires_at'] = strtotime(text_of($raw, 'expires_at')) ?: null;
    return $event;
}

// ---- JSON and Prometheus

function as_json(array $view): string
{
    $files = [];
    foreach ($view['files'] as $file) {
        $last = $file['last'];
        if ($last !== null) {
            $last['time'] = rfc3339($last['at']);
            $last['expires_at'] = $last['expires_at'] === null ? null : rfc3339($last['expires_at']);
            unset($last['at'], $last['file'], $last['foreign'], $last['is_write_of_another']);
        }
        $day = counts($file['events']) + ['writes_of_others' => count(array_filter(array_column($file['events'], 'is_write_of_another')))];
        $files[] = $file['status'] + ['level' => $file['level'], 'last_refresh' => $last, 'last_day' => $day, 'hosts' => array_map(static function ($event) {
            return ['host' => $event['host'], 'event' => $event['event'], 'time' => rfc3339($event['at'])];
        }, hosts_of($file))];
    }
    $log = $view['place'] === null && $view['log'] === null ? null : [
        'place' => $view['place'], 'error' => $view['log_error'] ?? $view['log']['error'] ?? null,
        'broken_lines' => $view['log']['broken'] ?? null,
    ];
    $all = ['time' => rfc3339($view['now']), 'host' => host(), 'log' => $log, 'files' => $files];
    return json_encode($all, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE) . "\n";
}

/** The last event of each machine, that of the last one first. */
function hosts_of(array $file): array
{
    return array_slice(array_reverse(array_values($file['hosts'])), 0, MOST_HOSTS_SHOWN);
}

/** How often each event happened, and the longest wait. */
function counts(array $events): array
{
    $counts = array_fill_keys(array_keys(LEVELS), 0) + ['longest_wait_ms' => null];
    foreach ($events as $event) {
        $counts[$event['event']]++;
        if ($event['event'] === 'waited' && $event['waited_ms'] !== null) {
            $counts['longest_wait_ms'] = max((int) $counts['longest_wait_ms'], $event['waited_ms']);
        }
    }
    return $counts;
}

/** The names are those of `wx-token status --prometheus`. */
function as_prometheus(array $view): string
{
    $help = [
        'wx_token_state' => 'Whether the token file is in this state.',
        'wx_token_expires_at_seconds' => 'Unix time at which the token expires.',
        'wx_token_due_at_seconds' => 'Unix time from which on the token is refreshed.',
        'wx_token_failures' => 'Failed refreshes in a row.',
        'wx_token_retry_at_seconds' => 'Unix time before which nobody asks WeChat again, after a failure.',
        'wx_token_locked' => 'Whether a process holds the lock of the file.',
        'wx_token_stored' => 'Whether the newest token of this process is in the file.',
        'wx_token_exposed' => 'Whether others than the site may read the token file.',
    ];
    $values = array_fill_keys(array_keys($help), []);
    foreach ($view['files'] as $file) {
        $status = $file['status'];
        $label = '{file="' . label($status['file']) . '"';
        foreach (STATES as $state) {
            $values['wx_token_state']["$label,state=\"$state\"}"] = (int) ($status['state'] === $state);
        }
        $label .= '}';
        $values['wx_token_expires_at_seconds'][$label] = $status['expires_at'];
        $values['wx_token_due_at_seconds'][$label] = due_at($status);
        $values['wx_token_failures'][$label] = $status['failure']['failures'] ?? 0;
        $values['wx_token_retry_at_seconds'][$label] = $status['failure']['retry_at'] ?? null;
        $values['wx_token_locked'][$label] = (int) $status['locked'];
        $values['wx_token_stored'][$label] = (int) $status['stored'];
        $values['wx_token_exposed'][$label] = array_key_exists('exposed', $status) ? (int) ($status['exposed'] !== null) : null;
    }
    if ($view['is_log_known']) {
        $help['wx_token_log_writable'] = 'Whether the refresh log can be written.';
        $values['wx_token_log_writable'][''] = (int) ($view['log_error'] === null);
    }
    $text = '';
    foreach ($help as $name => $sentence) {
        $samples = '';
        foreach ($values[$name] as $label => $value) {
            $samples .= $value === null ? '' : "$name$label $value\n";
        }
        $text .= $samples === '' ? '' : "# HELP $name $sentence\n# TYPE $name gauge\n$samples";
    }
    return $text;
}

/** A label value: the name as the log has it. Prometheus would refuse all metrics for bytes that are not UTF-8. */
function label(string $value): string
{
    return strtr(printable($value), ['\\' => '\\\\', '"' => '\\"']);
}

function due_at(array $status): ?int
{
    return $status['expires_at'] === null ? null : $status['expires_at'] - $status['expires_in'] + $status['due_in'];
}

function rfc3339(float $at): string
{
    $milliseconds = (int) round($at * 1000);
    return gmdate('Y-m-d\TH:i:s', intdiv($milliseconds, 1000)) . sprintf('.%03dZ', $milliseconds % 1000);
}

// ---- Text

/** Text from outside, as it may be shown: on one line, without marks that reverse or hide text, as the log has it. */
function printable(string $bytes): string
{
    $char = '/[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}'
        . '|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/s';
    return (string) preg_replace_callback($char, static function (array $match): string {
        $char = $match[0];
        $named = ["\0" => '\0', "\t" => '\t', "\r" => '\r', "\n" => '\n'];
        if (isset($named[$char])) {
            return $named[$char];
        }
        if (strlen($char) === 1 && $char >= "\x80") {
            return sprintf('\x%02x', ord($char));
        }
        if ($char === ' ' || preg_match('/[\p{C}\p{Z}\p{Mn}\p{Me}]/u', $char) !== 1) {
            return $char;
        }
        return sprintf('\u{%x}', code_point($char));
    }, $bytes);
}

function code_point(string $char): int
{
    $bytes = array_values((array) unpack('C*', $char));
    $point = count($bytes) === 1 ? $bytes[0] : $bytes[0] & (0xff >> (count($bytes) + 1));
    foreach (array_slice($bytes, 1) as $byte) {
        $point = $point << 6 | $byte & 0x3f;
    }
    return $point;
}

/** Text for HTML. */
function h(string $text): string
{
    return htmlspecialchars(printable($text), ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

/** The same in English, whatever the language of the page: messages have one language. */
function english(string $text): string
{
    return Words::$language === 'en' ? h($text) : '<span lang="en">' . h($text) . '</span>';
}

function clock_time(float $at): string
{
    return date(abs($at - time()) < 12 * 3600 || date('Ymd', (int) $at) === date('Ymd') ? 'H:i:s' : 'Y-m-d H:i', (int) floor($at));
}

/** A time for HTML, with the date for machines; without seconds if it is `$short`. */
function time_tag(float $at, bool $short = false): string
{
    $text = clock_time($at);
    $text = $short && strlen($text) === 8 ? substr($text, 0, 5) : $text;
    return '<time datetime="' . gmdate('Y-m-d\TH:i:s\Z', (int) floor($at)) . '">' . h($text) . '</time>';
}

function duration(float $seconds): string
{
    $seconds = (int) round(abs($seconds));
    if ($seconds < 60) {
        return say('%d s', $seconds);
    }
    $minutes = (int) round($seconds / 60);
    if ($minutes < 60) {
        return say('%d min', $minutes);
    }
    if ($minutes < 2880) {
        return $minutes % 60 === 0 ? say('%d h', intdiv($minutes, 60)) : say('%d h %d min', intdiv($minutes, 60), $minutes % 60);
    }
    return say('%d days', (int) round($minutes / 1440));
}

function from_now(float $seconds): string
{
    return $seconds < 0 ? say('%s ago', duration($seconds)) : say('in %s', duration($seconds));
}

/** `$text` in the language of the page, with what belongs into it. */
function say(string $text, ...$values): string
{
    $text = Words::$language === 'zh' ? Words::CHINESE[$text] ?? $text : $text;
    return $values === [] ? $text : vsprintf($text, $values);
}

/** What to do about a failure of a known errcode; the other messages say it themselves. */
function advice(array $failure): string
{
    if ($failure['errcode'] === null || strpos($failure['message'], 'still returns') !== false) {
        return '';
    }
    $advice = Words::ADVICE[$failure['errcode']] ?? null;
    $address = Words::$language === 'zh' ? '本机的出口 IP' : "this server's public IP";
    foreach (preg_split('/[\s,]+/', $failure['message']) ?: [] as $word) {
        if (packed($word) !== null) {
            $address = $word;
            break;
        }
    }
    return str_replace('{IP}', $address, $advice === null ? say('See WeChat\'s list of return codes (全局返回码).') : $advice[Words::$language]);
}

/** This page with another query; null takes a part away. */
function link_to(array $changes): string
{
    $query = [];
    foreach (['lang', 'format', 'every'] as $name) {
        $query[$name] = array_key_exists($name, $changes) ? $changes[$name] : (text_of($_GET, $name) ?: null);
    }
    $path = (string) strtok(text_of($_SERVER, 'REQUEST_URI'), '?');
    // Two slashes would name another host.
    return '/' . ltrim($path, '/\\') . rtrim('?' . http_build_query($query), '?');
}

// ---- The page

function page(array $view, ?array $note, ?string $key): void
{
    $files = array_values($view['files']);
    $levels = array_column($files, 'level');
    $troubled = count(array_filter($files, 'WxToken\StatusPage\needs_attention'));
    $worst = $troubled === 0 ? 'ok' : (in_array('bad', $levels, true) ? 'bad' : 'warn');
    usort($files, static function ($one, $other) {
        $order = ['bad' => 0, 'warn' => 1, 'ok' => 2];
        return [$order[$one['level']], $one['path']] <=> [$order[$other['level']], $other['path']];
    });
    $headline = say('%d token files: all is well', count($files));
    if ($files === []) {
        $headline = say('No token file is named in the first lines of this page, or none was found');
    } elseif ($worst !== 'ok') {
        $headline = say('%d of %d token files need attention', $troubled, count($files));
    }
    $host = host();
    $language = Words::$language === 'zh' ? 'zh-CN' : 'en';
    $other = Words::$language === 'zh' ? ['en', 'en', 'English'] : ['zh', 'zh-CN', '中文'];
    $implementation = $files === [] ? '' : ($files[0]['status']['implementation'] === 'extension' ? say('extension') : say('polyfill'));
    $version = phpversion('wx_token');
    $isEvery = text_of($_GET, 'every') === '60';
    ?>
<!DOCTYPE html>
<html lang="<?= $language ?>">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title><?= h("$headline · $host") ?></title>
<link rel="icon" href="data:image/svg+xml,<?= rawurlencode(icon($worst)) ?>">
<style><?= STYLE ?></style>
</head>
<body>
<header class="top">
<div>
<h1><?= h(say('WeChat tokens')) ?> <small><?= h($host) ?></small></h1>
<p class="dim"><?= h(trim("wx_token $version, $implementation · PHP " . PHP_VERSION . ' ' . PHP_SAPI, ' ,')) ?> ·
<?= h(say('times in %s', date_default_timezone_get() . date(' (P)'))) ?> · <?= h(say('now')) ?> <?= time_tag($view['now']) ?></p>
</div>
<nav aria-label="<?= h(say('This page')) ?>">
<a href="<?= h(link_to([])) ?>"><?= h(say('Reload')) ?></a>
<a href="<?= h(link_to(['every' => $isEvery ? null : '60'])) ?>"><?= h($isEvery ? say('Stop reloading') : say('Reload every minute')) ?></a>
<a href="<?= h(link_to(['lang' => $other[0]])) ?>" lang="<?= $other[1] ?>" hreflang="<?= $other[1] ?>"><?= $other[2] ?></a>
<a href="<?= h(link_to(['format' => 'json'])) ?>">JSON</a>
<a href="<?= h(link_to(['format' => 'prometheus'])) ?>">Prometheus</a>
</nav>
</header>
<main>
    <?php
    if ($note !== null) {
        $of = isset($note[2], $view['files'][$note[2]]) ? english($view['files'][$note[2]]['path']) . ': ' : '';
        echo '<p class="note ', $note[0] === 'ok' ? 'ok' : 'bad', '" role="status">', $of, english((string) $note[1]), "</p>\n";
    }
    summary($files, $worst, $headline);
    log_notes($view);
    if ($files !== []) {
        legend($view);
        foreach ($files as $file) {
            row($file, $view, $key);
        }
    }
    ?>
</main>
</body>
</html>
    <?php
}

function summary(array $files, string $worst, string $headline): void
{
    echo '<section class="summary" aria-label="', h(say('Summary')), '"><p class="headline ', $worst, '">', h($headline), "</p>\n<ul class=\"states\">";
    foreach (STATES as $state) {
        $count = count(array_filter($files, static function ($file) use ($state) {
            return $file['status']['state'] === $state;
        }));
        if ($count > 0) {
            echo '<li>', pill($state), " <b>$count</b></li>";
        }
    }
    echo "</ul></section>\n";
}

/** What there is to say of the log itself. */
function log_notes(array $view): void
{
    $notes = [];
    if ($view['log'] === null) {
        $notes[] = $view['place'] === 'syslog'
            ? h(say('The log goes to syslog. Set \'log\' in the first lines of this page to the file in which your syslog writes it.'))
            : h(say('No log: nobody can say who refreshed, and when. Set wx_token.log = /var/log/wx_token.log in php.ini.'));
    } else {
        if ($view['log']['error'] !== null) {
            $notes[] = h($view['log']['error']);
        }
        if ($view['log']['broken'] > 0) {
            $notes[] = h(say('Lines of the log that are not events of wx_token, and were left out: %d.', $view['log']['broken']));
        }
        if ($view['log']['from'] !== null) {
            $notes[] = h(say('The log is long: this page shows what happened since %s.', clock_time($view['log']['from'])));
        }
    }
    if ($view['log_error'] !== null) {
        $notes[] = '<b>' . h(say('The log cannot be written.')) . '</b> ' . english($view['log_error']);
    }
    if ($notes !== []) {
        echo '<p class="note info">', implode('<br>', $notes), "</p>\n";
    }
}

function pill(string $state): string
{
    $class = ['fresh' => 'ok', 'due' => 'warn', 'missing' => 'none'][$state] ?? 'bad';
    return "<span class=\"pill $class\">" . h(say($state)) . '</span>';
}

function legend(array $view): void
{
    $marks = ['refreshed' => say('refreshed'), 'failed' => say('failed'), 'warned' => say('rejected, displaced or interrupted'), 'waited' => say('callers waited')];
    echo '<div class="legend"><p class="dim">', h(say('The last 24 hours:'));
    foreach ($marks as $kind => $words) {
        echo ' <span class="key"><svg class="lane" width="12" height="14" aria-hidden="true">', mark($kind, '6', 7, 8), '</svg> ', h($words), '</span>';
    }
    echo ' <span class="key"><svg class="lane" width="22" height="14" aria-hidden="true"><rect class="covered" x="1" y="5" width="20" height="4"/></svg> ',
        h(say('a valid token')), '</span></p>', axis($view), "</div>\n";
}

/** The hours above the timelines. */
function axis(array $view): string
{
    $svg = '<svg class="axis" aria-hidden="true" width="100%" height="14">';
    foreach (hours($view['since']) as $at) {
        $svg .= '<text x="' . percent($at, $view['since'], DAY) . '" y="11">' . date('H:i', $at) . '</text>';
    }
    return $svg . '</svg>';
}

/** Every sixth hour of the last day, by the clock on the wall. */
function hours(float $since): array
{
    $hours = [];
    for ($at = (int) (ceil($since / 3600) * 3600); $at < $since + DAY; $at += 3600) {
        if ((int) date('G', $at) % 6 === 0) {
            $hours[] = $at;
        }
    }
    return $hours;
}

function percent(float $at, float $from, float $length): string
{
    return sprintf('%.2F%%', 100 * max(0, min(1, ($at - $from) / $length)));
}

function row(array $file, array $view, ?string $key): void
{
    $status = $file['status'];
    $id = "f-$file[id]";
    $name = basename($file['path']);
    $isCalm = $status['state'] === 'fresh';
    ?>
<article class="file <?= $file['level'], $file['remarks'] === [] ? ' calm' : '' ?>" id="<?= $id ?>" aria-labelledby="<?= $id ?>-name">
<div class="state"><?= pill($status['state']) ?></div>
<div class="name"><h2 id="<?= $id ?>-name" translate="no"><?= h($name) ?></h2><p class="dim" translate="no"><?= h(dirname($file['path'])) ?></p></div>
<div class="life"><?= life($file, $view['now']) ?></div>
<div class="day"><?= lane($file, $view) ?><?= $file['events'] === [] ? '' : '<div class="own">' . axis($view) . '</div>' ?>
<p><?= last_refresh($file, $view) ?></p></div>
<div class="more">
    <?php
    if ($file['remarks'] !== []) {
        echo '<ul class="remarks">';
        foreach ($file['remarks'] as $remark) {
            $parts = [h($remark[1]), $remark[2] === '' ? '' : english($remark[2]), h($remark[3] ?? '')];
            echo '<li class="', $remark[0], '">', implode(' ', array_filter($parts)), '</li>';
        }
        echo '</ul>';
    }
    // Where there is something to do, the button is in sight.
    if ($key !== null && !$isCalm) {
        form($file, $view, $key);
    }
    ?>
<details><summary><?= h(say('Details')) ?><span class="hidden">: <?= h($name) ?></span></summary>
<dl>
    <?php
    foreach (facts($file, $view) as $term => $text) {
        echo '<div><dt>', h(say($term)), '</dt><dd>', $text, "</dd></div>\n";
    }
    echo "</dl>\n";
    events_table($file, $view);
    if ($key !== null) {
        if ($isCalm) {
            form($file, $view, $key);
        }
        echo '<p class="dim">', h(say('Refresh now: WeChat is asked once, as if the token were due. The endpoints stable and wecom return the same token while it is valid; classic issues a new one, and five minutes later the old one ends, on your other servers, too. A second click soon after asks nobody. This is no forced refresh: a token that WeChat rejects is replaced by wx_refresh_token(), 20 times a day at most.')), "</p>\n";
    }
    ?>
</details>
</div>
</article>
    <?php
}

/** The token's life as a bar, and in words. */
function life(array $file, float $now): string
{
    $status = $file['status'];
    if ($status['expires_at'] === null) {
        return '<p class="dim">' . h(say('no token')) . '</p>';
    }
    [$expiry, $due] = [$status['expires_at'], due_at($status)];
    $last = $file['last'];
    $start = $last !== null && abs((int) $last['expires_at'] - $expiry) <= 2 ? $last['at'] : min($expiry - WECHAT_LIFETIME, $now);
    $length = max(1.0, $expiry - $start);
    $x = static function (float $at) use ($start, $length): string {
        return percent($at, $start, $length);
    };
    $width = static function (float $from, float $to) use ($start, $length): string {
        [$from, $to] = [max($start, $from), min($start + $length, $to)];
        return sprintf('%.2F%%', max(0, 100 * ($to - $from) / $length));
    };
    $left = (int) round(100 * max(0, min(1, ($expiry - $now) / $length)));
    $words = '<b>' . h(say('due %s', from_now($due - $now))) . '</b> <span class="dim">'
        . strtr(h(say('DUE, expiry EXPIRY')), ['DUE' => time_tag($due, true), 'EXPIRY' => time_tag($expiry, true)]) . '</span>';
    if ($now >= $due) {
        $from = from_now($expiry - $now);
        $words = '<b>' . h($now >= $expiry ? say('expired %s', $from) : say('expires %s', $from)) . '</b> <span class="dim">' . time_tag($expiry, true) . '</span>';
    }
    $alternative = say('%d %% of the life of the token is left; due at %s, expiry at %s', $left, clock_time($due), clock_time($expiry));
    return '<svg class="bar" role="img" width="100%" height="14" aria-label="' . h($alternative) . '">'
        . '<rect class="track" x="0" y="2" width="100%" height="10" rx="2"/>'
        . '<rect class="left" x="' . $x($now) . '" y="2" width="' . $width($now, $due) . '" height="10"/>'
        . '<rect class="soon" x="' . $x(max($now, $due)) . '" y="2" width="' . $width(max($now, $due), $expiry) . '" height="10"/>'
        . '<line class="due" x1="' . $x($due) . '" x2="' . $x($due) . '" y1="0" y2="14"/>'
        . '<line class="now" x1="' . $x($now) . '" x2="' . $x($now) . '" y1="0" y2="14"/></svg>'
        . "<p>$words</p>";
}

/** The last day of a file as a picture: when it had a valid token, refreshes, failures and waits. */
function lane(array $file, array $view): string
{
    if ($file['events'] === []) {
        return '';
    }
    $counts = counts($file['events']);
    $warned = $counts['rejected'] + $counts['displaced'] + $counts['interrupted'];
    $alternative = say('The last 24 hours: %d refreshes, %d failures, %d warnings, %d waits', $counts['refreshed'] + $counts['adopted'],
        $counts['failed'] + $counts['not_stored'] + $counts['lock_timeout'], $warned, $counts['waited']);
    $svg = '<svg class="lane" role="img" width="100%" height="34" aria-label="' . h($alternative) . '">';
    foreach (hours($view['since']) as $at) {
        $x = percent($at, $view['since'], DAY);
        $svg .= "<line class=\"hour\" x1=\"$x\" x2=\"$x\" y1=\"0\" y2=\"34\"/>";
    }
    $svg .= '<rect class="empty" x="0" y="16" width="100%" height="4"/>';
    foreach (spans($file['events'], $view['since'], $view['now']) as [$from, $to]) {
        $svg .= '<rect class="covered" x="' . percent($from, $view['since'], DAY) . '" y="16" width="'
            . percent($to - $from, 0, DAY) . '" height="4"/>';
    }
    foreach (marks($file['events']) as $mark) {
        $svg .= '<g>' . '<title>' . h($mark['words']) . '</title>' . mark($mark['kind'], percent($mark['at'], $view['since'], DAY), 18, $mark['height']) . '</g>';
    }
    return $svg . '</svg>';
}

/** When the file had a valid token, as far as the log tells. */
function spans(array $events, float $since, float $now): array
{
    $spans = [];
    foreach ($events as $event) {
        if (!in_array($event['event'], ['refreshed', 'adopted', 'stored', 'not_stored'], true) || $event['expires_at'] === null) {
            continue;
        }
        [$from, $to] = [max($since, $event['at']), min($now, $event['expires_at'])];
        $last = count($spans) - 1;
        if ($last >= 0 && $from <= $spans[$last][1]) {
            $spans[$last][1] = max($spans[$last][1], $to);
        } elseif ($to > $from) {
            $spans[] = [$from, $to];
        }
    }
    return $spans;
}

/** The marks of a timeline: what happened within some minutes is one. */
function marks(array $events): array
{
    $kinds = ['adopted' => 'refreshed', 'stored' => 'refreshed', 'not_stored' => 'failed', 'lock_timeout' => 'failed', 'rejected' => 'warned', 'displaced' => 'warned', 'interrupted' => 'warned'];
    $groups = [];
    foreach ($events as $event) {
        $kind = $kinds[$event['event']] ?? $event['event'];
        $groups[$kind . floor($event['at'] / MARK_SPAN)][$kind][] = $event;
    }
    $marks = [];
    foreach ($groups as $group) {
        foreach ($group as $kind => $members) {
            $words = array_count_values(array_column($members, 'event'));
            foreach ($words as $event => $count) {
                $words[$event] = $count === 1 ? say($event) : say('%d times: %s', $count, say($event));
            }
            $longest = max(0, ...array_map('intval', array_column($members, 'waited_ms')));
            $marks[] = [
                'at' => $members[0]['at'], 'kind' => $kind, 'words' => clock_time($members[0]['at']) . ' ' . implode(', ', $words)
                    . ($kind === 'waited' ? ', ' . say('the longest wait: %s', milliseconds($longest)) : ''),
                // From 1 ms to 10 s, a decade is 2 px.
                'height' => 3 + (int) round(2 * log10(max(1, min(10000, $longest)))),
            ];
        }
    }
    return $marks;
}

/** A mark of the timeline, on the line at `$y`: each kind has a shape and a place of its own, not only a colour. */
function mark(string $kind, string $x, int $y, int $height): string
{
    switch ($kind) {
        case 'refreshed':
            return "<circle class=\"refreshed\" cx=\"$x\" cy=\"$y\" r=\"3.5\"/>";
        case 'waited':
            [$from, $to] = $y > 10 ? [$y + 5, $y + 5 + $height] : [2, 12];
            return "<line class=\"waited\" x1=\"$x\" x2=\"$x\" y1=\"$from\" y2=\"$to\"/>";
    }
    $shape = $kind === 'failed' ? 'M-4,0 4,8 M4,0 -4,8' : 'M0,0 4.5,8 -4.5,8z';
    return "<svg class=\"at\" x=\"$x\" y=\"2\" width=\"1\" height=\"1\"><path class=\"$kind\" d=\"$shape\"/></svg>";
}

function milliseconds(int $milliseconds): string
{
    return $milliseconds < 10000 ? say('%d ms', $milliseconds) : duration($milliseconds / 1000);
}

/** When the file was last refreshed, and by whom. */
function last_refresh(array $file, array $view): string
{
    $last = $file['last'];
    if ($last === null) {
        return $view['log'] === null ? '' : '<span class="dim">' . h(say('The log has no refresh of this file.')) . '</span>';
    }
    return h(say($last['event'])) . ' ' . time_tag($last['at']) . ' <span class="dim">(' . h(from_now($last['at'] - $view['now'])) . ')</span> ' . who($last);
}

function who(array $event): string
{
    $parts = [];
    if ($event['host'] !== null && $event['host'] !== host()) {
        $parts[] = '<span translate="no">' . h($event['host']) . '</span>';
    }
    if ($event['sapi'] !== null || $event['pid'] !== null) {
        $parts[] = h(trim($event['sapi'] . ' ' . $event['pid']));
    }
    if ($event['script'] !== null) {
        $parts[] = '<span translate="no">' . h($event['script']) . '</span>';
    }
    return $parts === [] ? '' : '<span class="dim">' . h(say('by')) . '</span> ' . implode(' ', $parts);
}

/** @return array<string, string> Texts as HTML, by their terms. */
function facts(array $file, array $view): array
{
    [$status, $last] = [$file['status'], $file['last']];
    $facts = ['File' => '<span translate="no">' . h($file['path']) . '</span>'];
    if ($status['layout'] !== null) {
        $facts['File format'] = '<code>' . h($status['layout']) . '</code>';
    }
    if ($status['expires_at'] !== null) {
        $facts['Due for a refresh'] = time_tag((float) due_at($status)) . ' (' . h(from_now($status['due_in'])) . ')';
        $facts['Expiry'] = time_tag($status['expires_at']) . ' (' . h(from_now($status['expires_in'])) . ')';
    }
    if ($last !== null) {
        $facts['Last refresh'] = h(say($last['event'])) . ' ' . time_tag($last['at']) . ' ' . who($last);
        $account = array_filter([$last['appid'], $last['endpoint'], $last['ticket']]);
        if ($account !== []) {
            $facts['Account'] = h(implode(' · ', $account));
        }
        if ($last['fetch_ms'] !== null) {
            $facts['The fetch took'] = h(milliseconds($last['fetch_ms']) . ($last['requests'] > 1 ? ', ' . say('%d requests', $last['requests']) : ''));
        }
        if ($last['new'] !== null) {
            $facts['Fingerprint'] = '<code>' . h(($last['old'] === null ? '' : "$last[old] → ") . $last['new']) . '</code>';
        }
    }
    $facts['Lock'] = h($status['locked'] ? holder($status) : say('Nobody holds it.'));
    $store = $status['store'];
    if ($store !== null) {
        $facts['Shared store'] = h($store['place']) . ' · ' . h($store['encrypted'] ? say('encrypted, or on this machine') : say('not encrypted'))
            . ($store['confirmed_at'] === null ? '' : ' · ' . h(say('confirmed')) . ' ' . time_tag($store['confirmed_at']))
            . (($store['retry_at'] ?? 0) > $view['now'] ? ' · ' . h(say('left alone until')) . ' ' . time_tag($store['retry_at']) : '')
            . ($store['error'] === null ? '' : ' · ' . english($store['error']));
    }
    if (count($file['hosts']) > ($store === null ? 1 : 0)) {
        $facts['Machines in the log'] = '<ul><li>' . implode('</li><li>', array_map(static function ($event) use ($view) {
            return '<span translate="no">' . h($event['host']) . '</span> · ' . h(say($event['event'])) . ' ' . time_tag($event['at'])
                . ' (' . h(from_now($event['at'] - $view['now'])) . ')';
        }, hosts_of($file))) . '</li></ul>';
    }
    if (array_key_exists('exposed', $status)) {
        $facts['Exposed'] = $status['exposed'] === null ? h(say('no')) : english($status['exposed']);
    }
    return $facts;
}

function events_table(array $file, array $view): void
{
    if ($view['log'] === null) {
        return;
    }
    if ($file['events'] === []) {
        echo '<p class="dim">', h(say('No event in the last 24 hours.')), "</p>\n";
        return;
    }
    $shown = array_slice(array_reverse($file['events']), 0, MOST_EVENTS_SHOWN);
    $counts = counts($file['events']);
    $sums = [];
    foreach (array_keys(LEVELS) as $event) {
        if ($counts[$event] > 0) {
            $sums[] = say($event) . ' ' . $counts[$event];
        }
    }
    $caption = say('The last 24 hours:') . ' ' . implode(', ', $sums)
        . ($counts['longest_wait_ms'] === null ? '' : ', ' . say('the longest wait: %s', milliseconds($counts['longest_wait_ms'])))
        . (count($shown) < count($file['events']) ? '. ' . say('The newest %d are below.', count($shown)) : '');
    echo '<table><caption>', h($caption), '</caption><thead><tr>';
    foreach (['Time', 'Event', 'What', 'By whom'] as $column) {
        echo '<th scope="col">', h(say($column)), '</th>';
    }
    echo "</tr></thead><tbody>\n";
    foreach ($shown as $event) {
        $class = ['error' => 'bad', 'warning' => 'warn', 'info' => 'dim'][LEVELS[$event['event']]] ?? '';
        echo '<tr><td>', time_tag($event['at']), '</td><td class="', $class, '">', h(say($event['event'])), '</td><td>', what($event), '</td><td>', who($event), "</td></tr>\n";
    }
    echo "</tbody></table>\n";
}

/** What a line of the log tells beside who and when, as HTML. */
function what(array $event): string
{
    $parts = [];
    if ($event['errcode'] !== null) {
        $parts[] = h("errcode $event[errcode]");
    }
    if ($event['message'] !== null) {
        $parts[] = english($event['message']);
    }
    if ($event['fetch_ms'] !== null) {
        $parts[] = h(say('fetched in %s', milliseconds($event['fetch_ms'])));
    }
    if ($event['event'] === 'waited' && $event['waited_ms'] !== null) {
        $parts[] = h(milliseconds($event['waited_ms']));
    }
    if ($event['old'] !== null || $event['new'] !== null) {
        $parts[] = '<code>' . h(implode(' → ', array_filter([$event['old'], $event['new']]))) . '</code>';
    }
    if ($event['holder_pid'] !== null) {
        $parts[] = h(say('Process %d holds the lock.', $event['holder_pid']));
    }
    if ($event['foreign']) {
        $parts[] = h(say('the old token was another program\'s'));
    }
    return implode(' · ', $parts);
}

function form(array $file, array $view, string $key): void
{
    $retryAt = $file['status']['failure']['retry_at'] ?? 0;
    if ($retryAt > $view['now'] || $file['status']['state'] === 'unusable') {
        return;
    }
    $name = basename($file['path']);
    echo '<form method="post" action="', h(link_to(['format' => null])), '"><input type="hidden" name="file" value="', h($file['id']),
        '"><input type="hidden" name="token" value="', form_token($key, $file['id']), '"><button>', h(say('Refresh now')), '<span class="hidden">: ',
        h($name), '</span></button>';
    echo "</form>\n";
}

function icon(string $level): string
{
    $colour = ['ok' => '#1f9d61', 'warn' => '#d08700', 'bad' => '#d13c2f'][$level];
    return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='$colour'/></svg>";
}

// ---- Words

/** The texts of the page in Chinese, with the words of docs/glossary.md; and what to do about WeChat's errcodes. */
final class Words
{
    /** @var string en or zh */
    public static $language = 'en';

    public const CHINESE = [
        'Refreshing by hand is off. Set \'refresh\' in the first lines of this page.' => '手动刷新没有打开。请在本页文件开头设置 \'refresh\'。',
        'The extension wx_token is not loaded. Load it, or set \'library\' in the first lines of this page.' => '扩展 wx_token 没有加载。请加载它，或者在本页文件开头设置 \'library\'。',
        'This page failed. PHP\'s error log says why.' => '本页出错了，原因见 PHP 的错误日志。',
        'This format is not known: use json or prometheus.' => '没有这种格式，可用的是 json 和 prometheus。',
        'This page is not open to %s. Add it to \'allow\' in its first lines.' => '本页不对 %s 开放。请把它加到本页文件开头的 \'allow\'。',
        'This page is not open to requests through a proxy. Ask for it directly, or see \'behind_proxy\' in its first lines.' => '本页不接受经过代理的请求。请直接访问，或者看本页文件开头的 \'behind_proxy\'。',
        'This page is not open by the name %s. Add it to \'hosts\' in its first lines.' => '本页不能用域名 %s 访问。请把它加到本页文件开头的 \'hosts\'。',
        'Nothing was refreshed: the request did not come from a form of this page, or the page was too old. Try again.' => '没有刷新：请求不是从本页的表单发出的，或者页面太旧。请再试一次。',
        'Not refreshed: %s' => '没有刷新：%s',
        'Refreshed: a new token, valid until %s.' => '已刷新：新的 token，有效期到 %s。',
        'The token stays: WeChat gave the same one, or was asked a short while ago. It is valid until %s.' => 'token 没有变：微信返回的是同一个，或者不久前刚请求过。有效期到 %s。',
        'Others may read this file.' => '这个文件可能外泄，别人能读到。',
        'The last refresh failed at %s:' => '上一次刷新在 %s 失败：',
        '%d refreshes failed in a row, the last one at %s:' => '连续 %d 次刷新失败，最近一次在 %s：',
        'Next attempt at %s (%s).' => '重试时间 %s（%s）。',
        'The next call tries again.' => '下一次调用时重试。',
        'Only this process has the newest token: it could not be stored.' => '最新的 token 未写入文件，只有本进程有。',
        'A refresh is running.' => '正在刷新。',
        'Another process holds the lock.' => '别的进程持有锁。',
        'Process %d holds the lock.' => '持有锁的进程：%d。',
        'Nobody holds it.' => '没有进程持有锁。',
        'The shared store does not answer.' => '共享存储没有响应。',
        'Another program writes this file: seen at %s.' => '有别的程序在写这个文件：%s 发现。',
        'The next call refreshes the token. Until it expires, calls return it.' => '下一次调用时刷新；过期之前，各处照常使用。',
        'It counts as expired: its expiry is more than a day away, and WeChat gives two hours.' => '按已过期处理：到期时间在一天以后，而微信的有效期只有两小时。',
        'Check the clock of each server that writes it: one was ahead.' => '请检查每台写入该文件的服务器的时钟：有一台曾经偏快。',
        'The next call fetches a new token.' => '下一次调用时获取新的 token。',
        'The file is half written, or empty of anything but NUL bytes. The next call repairs it.' => '文件不完整（只写了一半），或者全是 NUL 字节。下一次调用时修复。',
        'The first call creates it.' => '第一次调用时创建。',
        'The folder of the log does not exist, or PHP may not enter it: %s' => '日志所在的目录不存在，或者 PHP 无权进入：%s',
        'PHP may not read the log: %s. Give it to the group of the web server, with mode 0640.' => 'PHP 无权读日志：%s。请把属组设为 Web 服务器的组，权限位设为 0640。',
        'The log is not a regular file: %s' => '日志不是普通文件：%s',
        '%d s' => '%d 秒',
        '%d min' => '%d 分钟',
        '%d h' => '%d 小时',
        '%d h %d min' => '%d 小时 %d 分',
        '%d days' => '%d 天',
        '%d ms' => '%d 毫秒',
        '%s ago' => '%s前',
        'in %s' => '%s后',
        'See WeChat\'s list of return codes (全局返回码).' => '请查微信的“全局返回码”。',
        '%d token files: all is well' => '%d 个 token 文件，全部正常',
        '%d of %d token files need attention' => '%d 个 token 文件需要注意，共 %d 个',
        'No token file is named in the first lines of this page, or none was found' => '本页文件开头没有写 token 文件，或者一个也没有找到',
        'extension' => '扩展',
        'polyfill' => '纯 PHP 替代实现',
        'WeChat tokens' => '微信 token 状态',
        'times in %s' => '时区 %s',
        'now' => '现在',
        'This page' => '本页',
        'Reload' => '刷新页面',
        'Reload every minute' => '每分钟刷新页面',
        'Stop reloading' => '停止自动刷新页面',
        'Summary' => '概况',
        'The log goes to syslog. Set \'log\' in the first lines of this page to the file in which your syslog writes it.' => '日志写到了 syslog。请在本页文件开头把 \'log\' 设为 syslog 写入的文件。',
        'No log: nobody can say who refreshed, and when. Set wx_token.log = /var/log/wx_token.log in php.ini.' => '没有日志，看不到是谁在什么时候刷新的。请在 php.ini 里设置 wx_token.log = /var/log/wx_token.log。',
        'Lines of the log that are not events of wx_token, and were left out: %d.' => '日志里不是 wx_token 事件、已略过的行：%d。',
        'The log is long: this page shows what happened since %s.' => '日志很长，本页只显示 %s 以来的事件。',
        'The log cannot be written.' => '日志无法写入。',
        'fresh' => '有效',
        'due' => '即将过期',
        'expired' => '已过期',
        'damaged' => '不完整',
        'missing' => '不存在',
        'unusable' => '不可用',
        'refreshed' => '已刷新',
        'adopted' => '取自共享存储',
        'stored' => '已写入',
        'failed' => '刷新失败',
        'not_stored' => '未写入',
        'rejected' => '被拒绝',
        'displaced' => '已由别的进程改写',
        'interrupted' => '刷新中断',
        'lock_timeout' => '锁超时',
        'waited' => '等待',
        'rejected, displaced or interrupted' => '被拒绝、已由别的进程改写、刷新中断',
        'callers waited' => '有调用者等待',
        'a valid token' => 'token 有效',
        'The last 24 hours:' => '最近 24 小时：',
        'Details' => '详情',
        'no token' => '没有 token',
        'expired %s' => '%s已过期',
        'expires %s' => '%s过期',
        'due %s' => '%s即将过期',
        'DUE, expiry EXPIRY' => 'DUE，过期 EXPIRY',
        '%d %% of the life of the token is left; due at %s, expiry at %s' => 'token 的有效期还剩 %d%%；%s 起即将过期，过期时间 %s',
        'The last 24 hours: %d refreshes, %d failures, %d warnings, %d waits' => '最近 24 小时：刷新 %d 次，失败 %d 次，警告 %d 次，等待 %d 次',
        '%d times: %s' => '%d 次：%s',
        'the longest wait: %s' => '最长等待 %s',
        'The log has no refresh of this file.' => '日志里没有这个文件的刷新。',
        'by' => '由',
        'File' => '文件',
        'File format' => '文件格式',
        'Due for a refresh' => '即将过期（开始刷新）',
        'Expiry' => '过期时间',
        'Last refresh' => '上一次刷新',
        'Account' => '账号',
        'The fetch took' => '获取用时',
        '%d requests' => '请求 %d 次',
        'Fingerprint' => '指纹',
        'Lock' => '锁',
        'Shared store' => '共享存储',
        'Machines in the log' => '日志里的服务器',
        'encrypted, or on this machine' => '已加密，或在本机',
        'not encrypted' => '未加密',
        'confirmed' => '核对',
        'left alone until' => '暂停使用到',
        'Exposed' => '可能外泄',
        'no' => '否',
        'No event in the last 24 hours.' => '最近 24 小时没有事件。',
        'The newest %d are below.' => '下面是最新的 %d 条。',
        'Time' => '时间',
        'Event' => '事件',
        'What' => '内容',
        'By whom' => '进程',
        'fetched in %s' => '获取用时 %s',
        'the old token was another program\'s' => '旧 token 是外来的（不是本扩展写入的）',
        'Refresh now' => '立即刷新',
        'Refresh now: WeChat is asked once, as if the token were due. The endpoints stable and wecom return the same token while it is valid; classic issues a new one, and five minutes later the old one ends, on your other servers, too. A second click soon after asks nobody. This is no forced refresh: a token that WeChat rejects is replaced by wx_refresh_token(), 20 times a day at most.' => '立即刷新：当作 token 即将过期，向微信请求一次。stable 和 wecom 接口在 token 有效期内返回同一个 token；classic 接口会发新的 token，旧的五分钟后失效，其他服务器上的也一样。短时间内再点不会再请求。这不是强制刷新：微信拒绝的 token 要用 wx_refresh_token() 换，每天最多 20 次。',
    ];

    /** By errcode: the words of the extension's own messages, which wx_token_status() does not have. */
    public const ADVICE = [
        -1 => ['en' => 'WeChat is busy: no action is necessary.', 'zh' => '微信系统繁忙，不用处理。'],
        40001 => ['en' => 'Check the AppSecret.', 'zh' => 'AppSecret 不对，请检查。'],
        40013 => ['en' => 'Check the appid (case-sensitive).', 'zh' => 'AppID 不对，请检查，注意大小写。'],
        40014 => [
            'en' => 'WeChat rejected the access token: find another program that fetches tokens for this account.',
            'zh' => '微信拒绝了 access_token。找出还有哪个程序在获取这个账号的 token。',
        ],
        40091 => ['en' => 'Check the corpsecret of this WeCom app.', 'zh' => '企业微信应用的 Secret 不对，请检查。'],
        40125 => ['en' => 'Check the AppSecret: perhaps it was reset in WeChat\'s console.', 'zh' => 'AppSecret 不对，可能在后台重置过。'],
        40164 => ['en' => 'Add {IP} to the account\'s IP whitelist.', 'zh' => '把 {IP} 加到账号的 IP 白名单，大约 5 分钟后生效。'],
        40243 => [
            'en' => 'Unfreeze the AppSecret in WeChat\'s console, and wait 10 minutes.',
            'zh' => 'AppSecret 已冻结。在后台解冻，10 分钟后生效。',
        ],
        42001 => [
            'en' => 'WeChat says that the access token has expired: check the clock of this server.',
            'zh' => '微信说 access_token 已过期。检查本机时钟。',
        ],
        45009 => [
            'en' => 'The limit of the minute or the day is reached: find another program that fetches tokens, or clear the quota in WeChat\'s console.',
            'zh' => '每分钟或每天的调用次数用完了。找出还有哪个程序在获取 token，或者在后台清零。',
        ],
        45011 => [
            'en' => 'The limit per minute is reached: find another program that fetches tokens.',
            'zh' => '每分钟的调用次数用完了。找出还有哪个程序在获取 token。',
        ],
        48001 => [
            'en' => 'This account has no permission for this API: check account type and permissions in WeChat\'s console.',
            'zh' => '账号没有这个接口的权限。在后台看账号类型和接口权限。',
        ],
        50002 => ['en' => 'The account is frozen, transferred or closed: see WeChat\'s console.', 'zh' => '账号已冻结、迁移或注销，请看后台。'],
        50004 => [
            'en' => 'WeChat has blocked this API for the account: see the notices in WeChat\'s console.',
            'zh' => '微信禁止这个账号使用 token 接口，原因见后台的通知。',
        ],
        50007 => ['en' => 'The account is frozen: see WeChat\'s console.', 'zh' => '账号已冻结，请看后台。'],
        60020 => [
            'en' => 'Add {IP} to the trusted IPs (可信IP) of the WeCom app.',
            'zh' => '把 {IP} 加到企业微信应用的“企业可信 IP”。',
        ],
        61004 => ['en' => 'Add {IP} to the account\'s IP list.', 'zh' => '把 {IP} 加到账号的 IP 白名单。'],
        61024 => [
            'en' => 'A third-party platform manages this account: get its token from the platform with a loader.',
            'zh' => '账号由第三方平台管理。用加载函数向平台取 token。',
        ],
        89501 => [
            'en' => 'The account\'s administrator must confirm {IP} in the message that WeChat sent.',
            'zh' => '微信给账号管理员发了消息，管理员确认之后，{IP} 才能调用。',
        ],
        89503 => [
            'en' => 'The account\'s administrator must confirm {IP} in the message that WeChat sent.',
            'zh' => '微信给账号管理员发了消息，管理员确认之后，{IP} 才能调用。',
        ],
        89506 => [
            'en' => 'The administrator rejected this server\'s IP twice: it is blocked for 24 hours.',
            'zh' => '管理员两次拒绝了这个 IP，24 小时内不能调用。',
        ],
        89507 => [
            'en' => 'The administrator rejected this server\'s IP: it is blocked for 1 hour.',
            'zh' => '管理员拒绝了这个 IP，1 小时内不能调用。',
        ],
    ];
}

const STYLE = <<<'CSS'
:root {
    color-scheme: light dark;
    --ground: #f4f6f8; --panel: #fff; --text: #1b2430; --dim: #566171; --line: #dde2e8; --track: #e6eaef;
    --ok: #17704a; --ok-soft: #def2e7; --ok-fill: #35a873; --warn: #805000; --warn-soft: #fcefd2; --warn-fill: #dc9a1e;
    --bad: #b02a1e; --bad-soft: #fce5e2; --bad-fill: #d6493b; --none-soft: #e8ecf0; --wait: #5b6ee0; --link: #1c5bb8;
}
@media (prefers-color-scheme: dark) {
    :root {
        --ground: #0f1318; --panel: #171c23; --text: #e2e7ee; --dim: #98a4b3; --line: #2a323c; --track: #252c36;
        --ok: #63d39d; --ok-soft: #143323; --ok-fill: #2f9e6b; --warn: #efbb55; --warn-soft: #372a0d; --warn-fill: #b97f17;
        --bad: #ff9186; --bad-soft: #3d1a17; --bad-fill: #d6493b; --none-soft: #29313b; --wait: #8f9dff; --link: #86b6ff;
    }
}
* { box-sizing: border-box; }
body {
    margin: 0 auto; padding: 0 1.25rem 2rem; max-width: 96rem; background: var(--ground); color: var(--text);
    font: 0.875rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", sans-serif;
    font-variant-numeric: tabular-nums;
}
h1, h2, p, ul, dl, dd { margin: 0; padding: 0; }
h1 { font-size: 1.25rem; line-height: 1.3; }
h1 small { font-size: 0.875rem; font-weight: 400; color: var(--dim); margin-left: 0.4rem; }
h2 { font-size: 0.9375rem; font-weight: 600; line-height: 1.35; }
h2, .name p, dd, td { overflow-wrap: anywhere; }
a { color: var(--link); }
code { font: 0.8125rem ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.dim { color: var(--dim); }
p.dim, .life p, .day p { font-size: 0.8125rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
a, button, summary { scroll-margin: 1rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.top { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; justify-content: space-between; align-items: baseline; padding: 1rem 0 0.75rem; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; }
nav a { padding: 0.15rem 0; }
.summary { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: center; margin-bottom: 0.75rem; }
.headline { font-size: 1.0625rem; font-weight: 600; }
.headline.ok { color: var(--ok); } .headline.warn { color: var(--warn); } .headline.bad { color: var(--bad); }
.states { display: flex; flex-wrap: wrap; gap: 0.35rem 0.9rem; list-style: none; }
.pill {
    display: inline-block; padding: 0.05rem 0.55rem; border-radius: 1rem; font-size: 0.8125rem; font-weight: 600; white-space: nowrap;
}
.pill.ok { color: var(--ok); background: var(--ok-soft); } .pill.warn { color: var(--warn); background: var(--warn-soft); }
.pill.bad { color: var(--bad); background: var(--bad-soft); } .pill.none { color: var(--text); background: var(--none-soft); }
.note { padding: 0.5rem 0.75rem; margin-bottom: 0.75rem; border-radius: 4px; background: var(--panel); border-left: 4px solid var(--dim); overflow-wrap: anywhere; }
.note.ok { border-color: var(--ok-fill); background: var(--ok-soft); } .note.bad { border-color: var(--bad-fill); background: var(--bad-soft); }
.legend, .file { display: grid; grid-template-columns: 6.5rem minmax(10rem, 1.2fr) minmax(13rem, 1.2fr) minmax(18rem, 2.2fr); column-gap: 1.25rem; }
.legend { padding: 0 1rem 0 calc(1rem + 4px); align-items: end; }
.legend p { grid-column: 1 / -1; margin-bottom: 0.25rem; }
.legend .axis { grid-column: 4; }
.key { white-space: nowrap; margin-left: 0.8rem; }
.key svg { vertical-align: -2px; }
.file { background: var(--panel); border-left: 4px solid var(--ok-fill); border-bottom: 1px solid var(--line); padding: 0.5rem 1rem; align-items: start; }
.file:target { background: var(--ok-soft); }
.file.warn { border-left-color: var(--warn-fill); } .file.bad { border-left-color: var(--bad-fill); }
.more { grid-column: 1 / -1; display: flex; flex-wrap: wrap; align-items: center; column-gap: 1rem; padding-left: 7.75rem; }
.remarks, details[open] { flex-basis: 100%; }
.calm .more { padding-left: 0; margin-top: -1.5rem; }
.calm dl, .calm table, .calm form, .calm details p { margin-left: 7.75rem; width: auto; }
.own { display: none; }
.remarks { list-style: none; margin: 0.15rem 0; }
.remarks li { padding-left: 0.6rem; border-left: 2px solid var(--line); margin: 0.15rem 0; overflow-wrap: anywhere; }
.remarks .bad { border-color: var(--bad-fill); color: var(--bad); } .remarks .warn { border-color: var(--warn-fill); color: var(--warn); }
.remarks .info { color: var(--dim); }
summary { color: var(--link); cursor: pointer; width: fit-content; font-size: 0.8125rem; padding: 0.1rem 0; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 0.5rem 1.5rem; margin: 0.5rem 0; }
dt { color: var(--dim); font-size: 0.8125rem; }
dd ul { list-style: none; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0; font-size: 0.8125rem; }
caption { text-align: left; color: var(--dim); padding-bottom: 0.25rem; }
th { text-align: left; font-weight: 600; color: var(--dim); }
th, td { padding: 0.2rem 1rem 0.2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child, td:nth-child(2) { white-space: nowrap; }
td.bad { color: var(--bad); } td.warn { color: var(--warn); }
form { margin: 0.15rem 0; }
button {
    font: inherit; font-size: 0.8125rem; font-weight: 600; padding: 0.1rem 0.8rem; border-radius: 4px; cursor: pointer;
    color: var(--link); background: var(--panel); border: 1px solid currentColor;
}
svg { display: block; overflow: visible; }
.key svg { display: inline-block; }
.track, .empty { fill: var(--track); }
.left, .covered { fill: var(--ok-fill); } .soon { fill: var(--warn-fill); }
.bar .due { stroke: var(--warn); stroke-width: 1.5; } .bar .now { stroke: var(--text); stroke-width: 2; }
.hour { stroke: var(--line); }
.lane .refreshed { fill: var(--panel); stroke: var(--ok); stroke-width: 2; }
.lane .waited { stroke: var(--wait); stroke-width: 2; }
.lane .failed { fill: none; stroke: var(--bad-fill); stroke-width: 2.5; } .lane .warned { fill: var(--warn-fill); }
.axis text { fill: var(--dim); font-size: 0.6875rem; text-anchor: middle; }
@media (max-width: 60rem) {
    body { padding: 0 0.75rem 2rem; }
    .legend { display: block; padding: 0 0 0.5rem; } .legend > .axis { display: none; }
    .key { margin-left: 0; margin-right: 0.6rem; }
    .file { grid-template-columns: 1fr auto; gap: 0.4rem 0.75rem; margin-bottom: 0.6rem; border-bottom: 0; border-radius: 3px; padding: 0.6rem 0.75rem; }
    .name { grid-row: 1; grid-column: 1; } .state { grid-row: 1; grid-column: 2; }
    .life, .day, .more { grid-column: 1 / -1; }
    .more, .calm .more { padding-left: 0; margin-top: 0; }
    .calm dl, .calm table, .calm form, .calm details p { margin-left: 0; }
    .own { display: block; margin-top: -2px; }
    .remarks { margin-top: 0; }
    summary { padding: 0.3rem 0; }
    button { padding: 0.4rem 1.1rem; }
    dl { grid-template-columns: 1fr; }
    table, tbody, tr, td, caption { display: block; } thead { display: none; }
    td { border: 0; padding: 0; white-space: normal; } tr { border-bottom: 1px solid var(--line); padding: 0.35rem 0; }
    td:first-child, td:nth-child(2) { display: inline; padding-right: 0.6rem; }
}
CSS;

answer($settings);
