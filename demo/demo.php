<?php
declare(strict_types=1);

// Many PHP processes find one expired token file at the same moment: with the legacy getToken(), with
// flock() added to it, and with wx_get_token(). `make demo` builds what is needed and runs this.
//
//   N                 processes (default 32)
//   API=live          WeChat itself, for the account in WX_APPID and WX_SECRET; wx_token alone
//   WX_TOKEN_SO       the extension (default target/release/libwx_token.so)
//   WECHAT_EMULATOR   the emulator (default target/release/wechat-emulator)

require __DIR__ . '/setup.php';
require __DIR__ . '/Reader.php';
require __DIR__ . '/Crowd.php';
require __DIR__ . '/Emulator.php';

const LATENCY_MS = 200;
const WECHAT = 'https://api.weixin.qq.com';

function main(): bool
{
    $processes = (int) (strlen((string) getenv('N')) ? getenv('N') : 32);
    if ($processes < 1 || $processes > 300) {
        throw new RuntimeException('N, the number of processes, must be from 1 to 300');
    }
    $extension = built('WX_TOKEN_SO', 'libwx_token.so');
    check_loads('wx_token', ["extension=$extension"], "was $extension built for another PHP?");

    return match (getenv('API') ?: 'emulator') {
        'emulator' => against_emulator($processes, $extension),
        'live' => against_wechat($processes, $extension),
        default => throw new RuntimeException('API must be "live" (WeChat itself) or unset (the emulator)'),
    };
}

function against_emulator(int $processes, string $extension): bool
{
    $binary = built('WECHAT_EMULATOR', 'wechat-emulator');
    $emulator = new Emulator($binary, '--latency', (string) LATENCY_MS, '--overlap', '0');
    $environment = [
        'WX_API_BASE' => $emulator->url,
        'WX_APPID' => Emulator::APPID,
        'WX_SECRET' => Emulator::SECRET,
    ];
    $settings = ["extension=$extension", "wx_token.api_base=$emulator->url", 'wx_token.endpoint=classic'];

    echo "$processes PHP processes find one expired token file at the same moment.\n",
        'WeChat is an emulator here; it answers a fetch after ', LATENCY_MS, " ms.\n\n";
    $results = [];
    $variants = ['legacy' => [], 'legacy_flock' => [], 'wx_token' => $settings];
    foreach ($variants as $variant => $ini) {
        step(count($results) + 1, count($variants), $variant);
        $expired = $emulator->firstToken();
        $results[$variant] = measure($variant, $ini, $environment, $processes, $expired, $emulator->url)
            + ['fetches' => $emulator->fetches()];
    }
    print_table($results);
    echo <<<'TEXT'

        All three fetch from /cgi-bin/token, where each fetch replaces the token of the one before.
        WeChat lets a replaced token live 5 minutes longer. The emulator runs with --overlap 0 to
        show at once what happens then: "invalidated" is a token that WeChat rejects 5 minutes later.
        The reads are those of another process, which reads the file all the time.

        TEXT;

    $held = verdict($results['wx_token'], $processes);
    if ($held) {
        echo <<<'TEXT'

            Your getToken() becomes:

                function getToken($file) {
                    return wx_get_token($file, ['appid' => 'wx…', 'secret' => '…']);
                }

            TEXT;
    }
    return $held;
}

function against_wechat(int $processes, string $extension): bool
{
    if (!getenv('WX_APPID') || !getenv('WX_SECRET')) {
        throw new RuntimeException("API=live asks WeChat itself: set WX_APPID and WX_SECRET to your account's appid "
            . "and AppSecret, and put this machine's IP on the account's whitelist");
    }
    if (!in_array('https', stream_get_wrappers())) {
        throw new RuntimeException('API=live tries the token out over https, for which this PHP needs openssl');
    }
    echo "$processes PHP processes find one expired token file at the same moment.\n",
        "WeChat itself answers, at /cgi-bin/stable_token, which leaves tokens in use elsewhere alone.\n\n";
    $settings = ["extension=$extension", 'wx_token.endpoint=stable'];
    $result = measure('wx_token', $settings, [], $processes, 'expired', WECHAT);
    print_table(['wx_token' => $result]);
    return verdict($result, $processes);
}

/**
 * Lets the processes loose on a file that holds $expired, then tries out at $api what they were given.
 */
function measure(string $variant, array $ini, array $environment, int $processes, string $expired, string $api): array
{
    $file = fresh_directory() . '/access_token.json';
    file_put_contents($file, json_encode(['access_token' => $expired, 'expire' => time() - 1]));
    $reader = new Reader($file);

    $command = [...php($ini), __DIR__ . '/worker.php', __DIR__ . "/$variant.php", $file];
    $crowd = new Crowd(array_fill(0, $processes, $command), $environment);
    $crowd->awaitReady();
    $reports = $crowd->run(60 + $processes * LATENCY_MS / 1000, $reader);

    $tokens = array_filter(array_column($reports, 'token'), is_string(...));
    $stored = (string) $reader->token();
    $isLive = ['' => false, $expired => false];
    foreach ([...$tokens, $stored] as $token) {
        $isLive[$token] ??= is_live($token, $api);
    }
    $ms = array_column($reports, 'ms');
    sort($ms);
    return [
        'reads' => $reader->reads,
        'torn' => $reader->tornOrEmpty,
        'dead' => count(array_filter($tokens, fn ($token) => !$isLive[$token])),
        'fileIsLive' => $isLive[$stored],
        'median' => $ms[intdiv(count($ms), 2)],
        'slowest' => end($ms),
        'tokens' => count($tokens),
        'errors' => array_values(array_filter(array_column($reports, 'error'))),
    ];
}

function print_table(array $results): void
{
    $rows = [
        'fetches' => fn ($result) => $result['fetches'],
        'torn or empty reads' => fn ($result) => "$result[torn] of $result[reads]",
        'callers with an invalidated token' => fn ($result) => $result['dead'],
        'valid token in the file at the end' => fn ($result) => $result['fileIsLive'] ? 'yes' : 'no',
        'median, ms' => fn ($result) => number_format($result['median'], 0, '', ''),
        'slowest, ms' => fn ($result) => number_format($result['slowest'], 0, '', ''),
        'errors' => fn ($result) => count($result['errors']),
    ];
    $line = fn ($title, $cells) => printf("%-35s%s\n", $title, vsprintf(str_repeat('%16s', count($cells)), $cells));
    $line('', array_keys($results));
    foreach ($rows as $title => $cell) {
        if ($title !== 'fetches' || isset(current($results)['fetches'])) {
            $line($title, array_map($cell, $results));
        }
    }
    foreach ($results as $variant => $result) {
        foreach (array_count_values($result['errors']) as $error => $times) {
            echo "\n$variant, $times of its callers: $error\n";
        }
    }
}

/** Says whether wx_token kept its promises. Fetches are known only of the emulator. */
function verdict(array $result, int $processes): bool
{
    $broken = array_keys(array_filter([
        "$result[tokens] of $processes callers got a token" => $result['tokens'] !== $processes,
        count($result['errors']) . ' callers got an error' => $result['errors'] !== [],
        ($result['fetches'] ?? 1) . ' fetches instead of 1' => ($result['fetches'] ?? 1) !== 1,
        "$result[dead] callers got an invalidated token" => $result['dead'] > 0,
        "$result[torn] reads found the file torn or empty" => $result['torn'] > 0,
        'the file has no valid token at the end' => !$result['fileIsLive'],
    ]));
    if ($broken) {
        fwrite(STDERR, "\ndemo: wx_token broke a guarantee: " . implode('; ', $broken) . "\n");
    }
    return $broken === [];
}

run_demo(main(...));
