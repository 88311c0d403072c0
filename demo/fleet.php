<?php
declare(strict_types=1);

// Ten servers share one Redis, and their token expires: with wx_get_token(), with Symfony's Lock and Cache, and
// with what EasyWeChat 6 does. Once while Redis works, once when it was killed, once when it hangs during the fetch.
// `make demo-fleet` installs and builds what is needed and runs this.
//
//   WX_TOKEN_SO       the extension (default target/release/libwx_token.so)
//   WECHAT_EMULATOR   the emulator (default target/release/wechat-emulator)

require __DIR__ . '/setup.php';
require __DIR__ . '/Crowd.php';
require __DIR__ . '/Emulator.php';
require __DIR__ . '/fleet/RedisServer.php';

const SERVERS = 10;
const PROCESSES = 4;
const CALLERS = SERVERS * PROCESSES;
const LATENCY_MS = 200;
const ANSWER_LIMIT_S = 6;

/** How long programs without the extension wait for Redis, in seconds. */
const REDIS_LIMIT = 1;

/** Each file has a getToken(). */
const PROGRAMS = [
    'wx_token' => 'wx_token',
    'fleet/symfony' => 'Symfony Lock + Cache',
    'fleet/easywechat' => 'as EasyWeChat 6',
];

enum Outage: string
{
    case None = 'Redis works';
    case Killed = 'Redis is killed (SIGKILL) before the calls';
    case Hangs = 'Redis is stopped (SIGSTOP) during the first fetch';
}

function main(): bool
{
    $ini = settings();
    $binary = built('WECHAT_EMULATOR', 'wechat-emulator');
    $emulator = new Emulator($binary, '--latency', (string) LATENCY_MS, '--overlap', '0');

    printf("%d servers with %d PHP processes each share one Redis. Their token has expired,\n", SERVERS, PROCESSES);
    printf("and all %d processes call getToken() at the same moment. WeChat is an emulator\n", CALLERS);
    printf("here; it answers a fetch after %d ms.\n\n", LATENCY_MS);
    print_line('', 'fetches', 'dead tokens', 'slowest, ms', 'no token');
    $results = [];
    $begun = 0;
    foreach (Outage::cases() as $outage) {
        echo "$outage->value\n";
        foreach (PROGRAMS as $program => $title) {
            $begun++;
            // Where no bar is drawn, the table is, and its rows say how far it is.
            if (!stream_isatty(STDERR)) {
                step($begun, count(Outage::cases()) * count(PROGRAMS), "$outage->value: $title");
            }
            $result = measure($program, $ini[$program], $outage, $emulator);
            check_works($program, $outage, $result);
            print_line("  $title", ...cells($result));
            $results[$outage->name][$program] = $result;
        }
    }
    print_legend();
    print_reasons($results);
    return verdict(array_map(fn ($ofOutage) => $ofOutage['wx_token'], $results));
}

/** With Redis at work, a program without the extension that gets no token was set up wrong: its row would be unfair. */
function check_works(string $program, Outage $outage, array $result): void
{
    if ($outage === Outage::None && $program !== 'wx_token' && $result['failed']) {
        throw new RuntimeException("$program does not work here: " . array_key_first($result['reasons']));
    }
}

/** The lines of php.ini for each program. */
function settings(): array
{
    $extension = built('WX_TOKEN_SO', 'libwx_token.so');
    $wxToken = ["extension=$extension", 'wx_token.endpoint=classic'];
    check_loads('wx_token', $wxToken, "was $extension built for another PHP?");

    // Debian's php-redis needs igbinary, and its packages of Symfony are in a folder that other PHPs do not search.
    $igbinary = is_file(ini_get('extension_dir') . '/igbinary.so') ? ['extension=igbinary'] : [];
    $redis = [...$igbinary, 'extension=redis', 'include_path=.:/usr/share/php'];
    check_loads('redis', $redis, 'install php-redis for it. Debian\'s PHP 8.2 has it in the package php8.2-redis');
    $libraries = [
        'php-symfony-cache' => 'Symfony/Component/Cache',
        'php-symfony-lock' => 'Symfony/Component/Lock',
        'php-psr-simple-cache' => 'Psr/SimpleCache',
    ];
    foreach ($libraries as $package => $library) {
        if (!is_file("/usr/share/php/$library/autoload.php")) {
            throw new RuntimeException("there is no $library in /usr/share/php: install the package $package");
        }
    }
    return ['wx_token' => $wxToken, 'fleet/symfony' => $redis, 'fleet/easywechat' => $redis];
}

/** Lets all callers loose on an expired token, and a Redis that knows no other. */
function measure(string $program, array $ini, Outage $outage, Emulator $emulator): array
{
    $expired = $emulator->firstToken();
    $redis = new RedisServer();
    if ($program === 'wx_token') {
        $ini = [...$ini, "wx_token.api_base=$emulator->url", "wx_token.store=$redis->url"];
    }
    $commands = [];
    for ($server = 0; $server < SERVERS; $server++) {
        // The extension tells servers apart by the path of the token file, too.
        $file = fresh_directory() . '/access_token.json';
        file_put_contents($file, json_encode(['access_token' => $expired, 'expire' => time() - 1]));
        $command = [...php($ini), __DIR__ . '/worker.php', __DIR__ . "/$program.php", $file];
        array_push($commands, ...array_fill(0, PROCESSES, $command));
    }
    $crowd = new Crowd($commands, [
        'WX_API_BASE' => $emulator->url,
        'WX_APPID' => Emulator::APPID,
        'WX_SECRET' => Emulator::SECRET,
        'REDIS_URL' => $redis->url,
        'REDIS_LIMIT' => (string) REDIS_LIMIT,
    ]);
    $crowd->awaitReady();

    if ($outage === Outage::Killed) {
        $redis->kill();
    }
    $crowd->release();
    if ($outage === Outage::Hangs) {
        stop_during_fetch($redis, $emulator);
    }
    $reports = $crowd->reports(ANSWER_LIMIT_S);

    $tokens = array_filter(array_column($reports, 'token'), is_string(...));
    $isLive = [];
    foreach ($tokens as $token) {
        $isLive[$token] ??= is_live($token, $emulator->url);
    }
    $failed = array_filter($reports, fn ($report) => !is_string($report['token']));
    return [
        'fetches' => $emulator->fetches(),
        'dead' => count(array_filter($tokens, fn ($token) => !$isLive[$token])),
        'slowest' => max(array_column($reports, 'ms')),
        'failed' => count($failed),
        'reasons' => array_count_values(array_map(fn ($report) => $report['error'] ?? 'no token', $failed)),
    ];
}

/** Half a fetch after the first one has begun: whoever fetches at all has read Redis by then. */
function stop_during_fetch(RedisServer $redis, Emulator $emulator): void
{
    for ($deadline = microtime(true) + 3; !$emulator->isFetching(); usleep(1000)) {
        if (microtime(true) > $deadline) {
            throw new RuntimeException('no caller has fetched a token within 3 s');
        }
    }
    usleep(LATENCY_MS * 1000 / 2);
    $redis->stop();
}

function cells(array $result): array
{
    $limit = ANSWER_LIMIT_S * 1000;
    $slowest = is_infinite($result['slowest']) ? "over $limit" : number_format($result['slowest'], 0, '', '');
    return [$result['fetches'], $result['dead'], $slowest, "$result[failed] of " . CALLERS];
}

function print_line(string $title, string|int ...$cells): void
{
    printf("%-24s%9s%14s%14s%14s\n", $title, ...$cells);
}

function print_legend(): void
{
    printf(<<<'TEXT'

        fetches       requests for a token that WeChat got. One is enough
        dead tokens   callers whose token WeChat rejects at the end: a later fetch has
                      replaced it
        slowest, ms   the longest that a caller waited for its token or its error
        no token      callers that got an error, or no answer within %d s

        All fetch from /cgi-bin/token, where each fetch replaces the token of the one
        before. WeChat lets a replaced token live 5 minutes longer. The emulator runs
        with --overlap 0 to show at once what happens then. Without Redis, wx_token
        fetches once on each server. Its default is /cgi-bin/stable_token, which gives
        all servers the same token: docs/fleet.md.

        Symfony and EasyWeChat use php-redis, which waits %d s at most for each answer
        of Redis; PHP's own limit is 60 s. "As EasyWeChat 6" is its algorithm, written
        for this demo: read the cache, fetch, store, without a lock.

        TEXT, ANSWER_LIMIT_S, REDIS_LIMIT);
}

/** Why callers got no token. */
function print_reasons(array $results): void
{
    foreach (Outage::cases() as $outage) {
        foreach ($results[$outage->name] as $program => $result) {
            foreach ($result['reasons'] as $reason => $times) {
                $of = PROGRAMS[$program] . ", $times of " . CALLERS;
                echo "\n", wordwrap("$outage->value: $of: $reason", 80), "\n";
            }
        }
    }
}

/** Says whether wx_token kept its promises, by outage. */
function verdict(array $results): bool
{
    $broken = [];
    foreach ($results as $outage => $result) {
        $most = $outage === Outage::None->name ? 1 : SERVERS;
        $broken += array_filter([
            "$result[fetches] fetches instead of $most ($outage)" => $result['fetches'] > $most,
            "$result[failed] callers got no token ($outage)" => $result['failed'] > 0,
            "$result[dead] callers got a dead token ($outage)" => $most === 1 && $result['dead'] > 0,
        ]);
    }
    if ($broken) {
        fwrite(STDERR, "\ndemo: wx_token broke a guarantee: " . implode('; ', array_keys($broken)) . "\n");
    }
    return $broken === [];
}

run_demo(main(...));
