<?php

namespace WxToken\Command;

use WxToken\Polyfill\Quietly;

/** The way to WeChat: names, TLS, the clock, and with --ask a fetch. */
final class NetworkChecks
{
    private const TIMEOUT = 5.0;

    /** A certificate that ends sooner is worth a word, in days. */
    private const SOON = 14;

    /** How far a clock may be off, in milliseconds: the `Date` of an answer has whole seconds. */
    private const OFF = 5000;
    private const FAR_OFF = 300000;

    /** An API that needs no account and changes nothing: it answers that the token is missing. */
    private const HARMLESS = '/cgi-bin/get_api_domain_ip';

    /** @return Finding[] */
    public static function names(Examination $examination): array
    {
        $proxy = Setting::of('proxy');
        $findings = [];
        foreach ($proxy === '' ? $examination->bases() : [$proxy] as $base) {
            $address = Address::of($base);
            if ($address === null) {
                // What is wrong may be a password.
                $findings[] = Finding::problem('wx_token.' . ($proxy === '' ? 'api_base' : 'proxy') . ' is no URL', 'Correct it');
            } elseif ($address->isNumeric()) {
                $findings[] = Finding::ok("{$address->host} is an address: there is nothing to look up");
            } else {
                $findings[] = self::lookUp($examination, $address->host);
            }
        }
        return $findings;
    }

    private static function lookUp(Examination $examination, string $host): Finding
    {
        if (preg_match('/^[^#\n]*\s' . preg_quote($host, '/') . '(?:\s|$)/mi', (string) $examination->machine->read('/etc/hosts'), $line) === 1) {
            return Finding::ok("$host is in /etc/hosts: " . (preg_split('/\s+/', trim($line[0])) ?: [''])[0]);
        }
        $began = microtime(true);
        $records = Quietly::run(static function () use ($host) {
            return dns_get_record($host, DNS_A | DNS_AAAA);
        });
        $took = Text::milliseconds((int) round((microtime(true) - $began) * 1000));
        $addresses = array_map(static function (array $record): string {
            return $record['ip'] ?? $record['ipv6'] ?? '';
        }, $records ?: []);
        if (array_filter($addresses, 'strlen') !== []) {
            return $took !== '' && microtime(true) - $began > 1.0
                ? Finding::warning("$host has " . Text::count(count($addresses), 'address', 'addresses') . ", and the lookup took $took", 'Check the name servers in /etc/resolv.conf')
                : Finding::ok("$host has " . Text::count(count($addresses), 'address', 'addresses') . " ($took)");
        }
        $other = gethostbyname($host);
        if ($other !== $host) {
            return Finding::problem("$host is known to this system ($other), but neither to /etc/hosts nor to the name servers of /etc/resolv.conf", 'wx_token asks only these two: add it there');
        }
        return Finding::problem("the host name $host does not resolve ($took)", 'Check the name servers in /etc/resolv.conf, and wx_token.api_base');
    }

    /** @return Finding[] */
    public static function tls(Examination $examination): array
    {
        if (Setting::of('proxy') !== '') {
            return [Finding::skipped('wx_token.proxy makes the connection')];
        }
        $findings = [];
        foreach ($examination->bases() as $base) {
            $address = Address::of($base);
            if ($address === null) {
                continue;
            }
            if (!$address->isTls) {
                $findings[] = Finding::ok("$address is on this machine: no TLS is needed");
                continue;
            }
            $findings[] = extension_loaded('openssl') ? self::handshake($address)
                : Finding::skipped("PHP has no openssl here: $address was not tried");
        }
        return $findings ?: [Finding::skipped('there is no address to try')];
    }

    private static function handshake(Address $address): Finding
    {
        $caFile = Setting::of('ca_file');
        $connection = new Connection($address, self::TIMEOUT);
        if (!$connection->isOpen() && $caFile !== '') {
            $connection = new Connection($address, self::TIMEOUT, true, $caFile);
        }
        if ($connection->isOpen()) {
            $ends = (int) ($connection->certificate['validTo_time_t'] ?? PHP_INT_MAX);
            $days = intdiv($ends - time(), 86400);
            $issuer = $connection->certificate['issuer']['O'] ?? $connection->certificate['issuer']['CN'] ?? '?';
            $what = "{$connection->protocol} with $address, certificate of " . (is_array($issuer) ? $issuer[0] : $issuer) . ', valid for ' . Text::count($days, 'more day');
            return $days < self::SOON ? Finding::warning($what, 'Have it renewed') : Finding::ok($what);
        }
        $untrusted = new Connection($address, self::TIMEOUT, false);
        if (!$untrusted->isOpen()) {
            return Finding::problem("no connection with $address: {$connection->error}", 'Check the firewall of this server, and wx_token.api_base');
        }
        return self::distrust($address, $untrusted->certificate ?? [], $connection->error);
    }

    /** Why a certificate is not trusted. */
    private static function distrust(Address $address, array $certificate, string $error): Finding
    {
        if (($certificate['validTo_time_t'] ?? PHP_INT_MAX) < time()) {
            return Finding::problem("the certificate of $address has expired", 'Check the clock of this server, and have the certificate renewed');
        }
        if (($certificate['validFrom_time_t'] ?? 0) > time()) {
            return Finding::problem("the certificate of $address is not valid yet", 'Check the clock of this server');
        }
        $names = $certificate['extensions']['subjectAltName'] ?? '';
        if ($error === 'the certificate is for another host') {
            return Finding::problem("the certificate of $address is for another host: $names", 'Check DNS and wx_token.api_base');
        }
        $issuer = $certificate['issuer']['CN'] ?? $certificate['issuer']['O'] ?? '?';
        return Finding::problem("the certificate of $address is from an unknown CA: " . (is_array($issuer) ? $issuer[0] : $issuer),
            'Something between this server and WeChat may end TLS. Set wx_token.ca_file if that is a CA of yours');
    }

    /** @return Finding[] */
    public static function clock(Examination $examination): array
    {
        $base = $examination->bases()[0] ?? '';
        $address = Address::of($base);
        if ($address === null) {
            return [Finding::skipped('there is no address to ask')];
        }
        $before = microtime(true);
        $head = Setting::of('proxy') === '' ? self::head($address, $base) : self::headByProxy($base);
        $middle = ($before + microtime(true)) / 2;
        if (preg_match('/^Date:\s*([^\r\n]+)/mi', $head, $date) !== 1 || ($told = strtotime($date[1])) === false) {
            return [Finding::skipped($head === '' ? "$address does not answer" : "the answer of $address has no date")];
        }
        // The date is cut to whole seconds: half a second more is the best guess.
        $ahead = (int) round(($middle - $told - 0.5) * 1000);
        $offset = abs($ahead);
        if ($offset <= self::OFF) {
            return [Finding::ok("it agrees with $address")];
        }
        $what = 'the clock of this server is ' . Text::duration(intdiv($offset, 1000)) . ($ahead > 0 ? ' ahead of' : ' behind') . " that of $address";
        $advice = 'Set it by NTP: timedatectl set-ntp true';
        return [$offset <= self::FAR_OFF ? Finding::warning($what, $advice) : Finding::problem("$what: tokens then seem older or younger than they are, and certificates not valid", $advice)];
    }

    /** What `$address` answers to a request that needs no account; empty if there is no answer. */
    private static function head(Address $address, string $base): string
    {
        $caFile = $address->isTls ? Setting::of('ca_file') : '';
        $connection = new Connection($address, self::TIMEOUT, true, $caFile);
        if (!$connection->isOpen()) {
            // A date is no secret: an expired certificate is often the clock's fault.
            $connection = new Connection($address, self::TIMEOUT, false);
        }
        if (!$connection->isOpen()) {
            return '';
        }
        $path = rtrim((string) parse_url($base, PHP_URL_PATH), '/') . self::HARMLESS;
        return $connection->ask("GET $path HTTP/1.1\r\nHost: $address\r\nUser-Agent: wx-token\r\nConnection: close\r\n\r\n", "\r\n\r\n");
    }

    private static function headByProxy(string $base): string
    {
        $options = ['proxy' => (string) preg_replace('~^https?://~', 'tcp://', Setting::of('proxy')), 'request_fulluri' => strncmp($base, 'https', 5) !== 0,
            'timeout' => self::TIMEOUT, 'ignore_errors' => true];
        $headers = Quietly::run(static function () use ($base, $options) {
            $stream = fopen($base . self::HARMLESS, 'rb', false, stream_context_create(['http' => $options]));
            return $stream === false ? [] : stream_get_meta_data($stream)['wrapper_data'];
        });
        return implode("\n", array_filter((array) $headers, 'is_string'));
    }

    /** @return Finding[] */
    public static function ask(Examination $examination): array
    {
        if (!$examination->arguments->has('ask')) {
            return [Finding::skipped('WeChat was not asked for a token', 'Add --ask: it shows whether WeChat takes the AppSecret and the IP of this server')];
        }
        $account = $examination->account;
        if ($account === null) {
            return [Finding::skipped('there is no account')];
        }
        if ($account->endpoint === 'classic' && !$examination->arguments->has('force')) {
            return [Finding::skipped('with the endpoint classic, a fetch ends the token that is in use: in five minutes, or at once',
                'Take --endpoint=stable, which is harmless. If it must be classic: --force')];
        }
        return [self::fetch($examination)];
    }

    /** A fetch for a temporary file, by a process without the shared store, which would answer in WeChat's place, and without the log, which it might create. */
    private static function fetch(Examination $examination): Finding
    {
        $directory = sys_get_temp_dir() . '/wx-token-' . bin2hex(random_bytes(6));
        mkdir($directory, 0700);
        $options = [];
        foreach ($examination->arguments->source() ?? [] as $name => $value) {
            $options[] = '--' . strtr($name, '_', '-') . "=$value";
        }
        $command = Machine::ownCommand(['wx_token.store=', 'wx_token.log=', 'wx_token.background=0', 'display_errors=stderr']);
        $environment = array_diff_key(getenv(), ['WX_STORE' => '']);
        try {
            $said = Machine::run(array_merge($command, ['get'], $options, ['--', "$directory/token.json"]), 30.0, $environment);
        } finally {
            array_map('unlink', glob("$directory/{,.}*[!.]*", GLOB_BRACE) ?: []);
            rmdir($directory);
        }
        $account = $examination->account;
        if ($said !== null && $said[0] === ExitCode::OK) {
            return Finding::ok("WeChat takes {$account->id} and its secret from this server (endpoint {$account->endpoint})");
        }
        // Before it, PHP's error log may say more.
        $message = $said === null ? 'the fetch did not end' : (string) preg_replace('/^.*wx-token: /s', '', trim($said[2]));
        [$what, $advice] = AccountCheck::split(str_replace("$directory/token.json", 'the token', $message));
        return Finding::problem($what, $advice);
    }
}
