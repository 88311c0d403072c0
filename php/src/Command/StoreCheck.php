<?php

namespace WxToken\Command;

use WxToken\Polyfill\Quietly;

/** The store that several servers share: what this server knows of it, and whether it answers now. */
final class StoreCheck
{
    private const TIMEOUT = 2.0;

    /** @return Finding[] */
    public static function store(Examination $examination): array
    {
        $set = Setting::of('store') ?: (string) getenv('WX_STORE');
        if ($set === '') {
            return [Finding::skipped('wx_token.store is empty: this server fetches for itself')];
        }
        if (!Implementation::isExtension()) {
            return [Finding::skipped('the polyfill uses no store')];
        }
        $known = $examination->status['store'] ?? \wx_token_status('/nowhere/token.json')['store'] ?? null;
        $place = $known['place'] ?? '';
        if (preg_match('~^(redis|rediss|unix)(?:\+sentinel)?://(.*)$~', $place, $match) !== 1) {
            return [Finding::problem('wx_token.store is set, and names no store', 'See docs/fleet.md for its forms')];
        }
        $isTls = $match[1] === 'rediss' || strncmp($place, 'rediss', 6) === 0;
        $findings = [];
        $nodes = $match[1] === 'unix' ? [preg_replace('/\?db=\d+$/D', '', $match[2])] : explode(',', explode('/', $match[2])[0]);
        foreach ($nodes as $node) {
            $findings[] = $match[1] === 'unix' ? self::socket($node) : self::server($node, $isTls);
        }
        if ($known['error'] !== null) {
            [$what, $advice] = AccountCheck::split($known['error']);
            $findings[] = Finding::warning("when this server last used it: $what", "$advice. Meanwhile this server fetches for itself");
        }
        if (!$known['encrypted']) {
            $findings[] = Finding::warning("what is sent to $place is not encrypted, except for the tokens", 'Use rediss:// if the password of the store could be listened to');
        }
        return $findings;
    }

    private static function server(string $node, bool $isTls): Finding
    {
        if (preg_match('/^(?:\[(.+)\]|(.+)):(\d+)$/', $node, $match) !== 1) {
            return Finding::problem("$node has no port", 'Check wx_token.store');
        }
        $address = new Address($match[1] !== '' ? $match[1] : $match[2], (int) $match[3], $isTls);
        $connection = new Connection($address, self::TIMEOUT, true, $isTls ? Setting::of('ca_file') : '');
        if (!$connection->isOpen() && $isTls && Setting::of('ca_file') !== '') {
            $connection = new Connection($address, self::TIMEOUT);
        }
        if (!$connection->isOpen()) {
            return Finding::problem("no connection with $address: {$connection->error}", 'Check that the store runs, the firewall, and wx_token.store');
        }
        $answer = $connection->ask("PING\r\n", "\r\n");
        // Without a password, too, a store says that it is one.
        if (preg_match('/^(?:\+PONG|-NOAUTH|-NOPERM|-DENIED|-LOADING|-MASTERDOWN)/', $answer) !== 1) {
            return Finding::problem("$address does not answer as Redis does", 'Check wx_token.store (a port for TLS needs rediss://)');
        }
        if (preg_match('/^-(DENIED|LOADING|MASTERDOWN)[^\r\n]*/', $answer, $match) === 1) {
            return Finding::problem("$address answers " . substr($match[0], 1), 'See the log of the store');
        }
        return Finding::ok("$address answers" . ($isTls ? " ({$connection->protocol})" : ''));
    }

    private static function socket(string $path): Finding
    {
        $stream = Quietly::run(static function () use ($path) {
            return stream_socket_client("unix://$path", $number, $text, self::TIMEOUT);
        });
        return is_resource($stream) ? Finding::ok("$path accepts connections")
            : Finding::problem("no connection with $path: " . (string) preg_replace('/^.*\((.+)\)$/', '$1', Quietly::reason()), 'Check that the store runs, and that this user may write to its socket');
    }
}
