<?php

namespace WxToken\Polyfill;

/** What the functions do, with their arguments checked. */
final class Calls
{
    public static function getToken(string $file, $source): string
    {
        if ($source === null && $file !== '' && $file[0] === '/') {
            $token = self::fresh($file, Settings::current()->seconds['refresh_ahead']);
            if ($token !== null) {
                return $token;
            }
        }
        $options = Options::ofSource($source, 'Argument #2 ($source)');
        $path = self::path($file, 1, 'file');
        $token = $options->layout === null ? self::fresh($path, $options->seconds('refresh_ahead')) : null;
        return $token ?? self::withSource($path, $options, static function (Call $call, callable $open): Token {
            return Protocol::get($call, $open);
        });
    }

    public static function tryToken(string $file, ?array $source): ?string
    {
        $options = Options::ofArray($source, 'Argument #2 ($source)');
        $path = self::path($file, 1, 'file');
        $fresh = $options->layout === null ? self::fresh($path, $options->seconds('refresh_ahead')) : null;
        if ($fresh !== null) {
            return $fresh;
        }
        $call = new Call($path, Kind::TOKEN, $options);
        $token = Protocol::tryGet($call, self::opener($options));
        return $token === null ? null : $token->value;
    }

    public static function refreshToken(string $file, string $rejected, $source): string
    {
        $path = self::path($file, 1, 'file');
        self::checkText($rejected, 'Argument #2 ($rejected)');
        $options = Options::ofSource($source, 'Argument #3 ($source)');
        try {
            return self::withSource($path, $options, static function (Call $call, callable $open) use ($rejected): Token {
                return Protocol::refreshRejected($call, $open, $rejected);
            });
        } finally {
            Memory::forget();
        }
    }

    public static function getTicket(string $ticketFile, string $tokenFile, string $type, ?array $source): string
    {
        $path = self::path($ticketFile, 1, 'ticketFile');
        $tokenPath = self::path($tokenFile, 2, 'tokenFile');
        self::checkText($type, 'Argument #3 ($type)');
        $options = Options::ofArray($source, 'Argument #4 ($source)');
        if (!in_array($type, [Kind::JSAPI, Kind::CARD, Kind::AGENT], true)) {
            throw Problem::value('Argument #3 ($type)', 'must be "jsapi", "wx_card" or "agent_config" (WeCom only)');
        }
        if ($path === $tokenPath || Path::areOne($path, $tokenPath)) {
            throw Problem::value('Argument #1 ($ticketFile)', 'must not be the same file as $tokenFile');
        }
        $ticket = $options->layout === null ? Memory::recall($path, $type, $options->seconds('refresh_ahead')) : null;
        if ($ticket !== null) {
            return $ticket;
        }
        $call = new Call($path, $type, $options);
        $open = static function () use ($options, $type, $tokenPath): Source {
            if (HeldLocks::around(Path::resolve($tokenPath)) !== null) {
                throw Problem::lock(
                    $tokenPath,
                    'it is locked by wx_with_lock(), and the ticket file must be locked first. Move wx_get_ticket() out of wx_with_lock()',
                    getmypid()
                );
            }
            // The option `layout` is about the ticket file.
            $tokenCall = new Call($tokenPath, Kind::TOKEN, $options->withoutLayout());
            return new TicketSource($type, Account::find($options), $options->seconds('timeout'), $tokenCall);
        };
        return Protocol::get($call, $open)->value;
    }

    public static function tokenStatus(string $file, ?array $source): array
    {
        $options = Options::ofArray($source, 'Argument #2 ($source)', true);
        return Status::of(self::path($file, 1, 'file'), $options);
    }

    public static function withLock(string $file, callable $critical, ?float $timeout)
    {
        $path = self::path($file, 1, 'file');
        try {
            $timeout = $timeout === null ? null : Settings::duration(0.0, $timeout);
        } catch (\DomainException $why) {
            throw Problem::value('Argument #3 ($timeout)', $why->getMessage());
        }
        return HeldLocks::run(new Call($path, Kind::ANY, new Options(), $timeout), $critical);
    }

    /** The fresh token of the file at `$path`, an absolute one, if a short look tells. */
    private static function fresh(string $path, float $refreshAhead): ?string
    {
        return Memory::recall($path, Kind::TOKEN, $refreshAhead) ?? Glance::at($path, $refreshAhead);
    }

    private static function withSource(string $path, Options $options, callable $protocol): string
    {
        $call = new Call($path, Kind::TOKEN, $options);
        if ($options->loader === null) {
            return $protocol($call, self::opener($options))->value;
        }
        $loader = new Loader($options->loader);
        try {
            return $protocol($call, static function () use ($loader): Source {
                return $loader;
            })->value;
        } catch (Problem $problem) {
            throw $loader->thrown ?? $problem;
        } finally {
            $loader->forget();
        }
    }

    /** What finds the account: that there is none matters only once WeChat must be asked. */
    private static function opener(Options $options): callable
    {
        return static function () use ($options): Source {
            return new WeChat(Account::find($options), $options->seconds('timeout'));
        };
    }

    private static function path(string $path, int $number, string $name): string
    {
        $what = "Argument #$number (\$$name)";
        if ($path === '') {
            throw Problem::value($what, 'must not be empty');
        }
        if (strpos($path, "\0") !== false) {
            throw Problem::value($what, 'must not contain any null bytes');
        }
        if (preg_match('~^[A-Za-z0-9+.-]+://~', $path) === 1) {
            throw Problem::value($what, 'must be a local path, not a URL');
        }
        if (preg_match('~(?:^|/)\.{0,2}$~D', $path) === 1) {
            throw Problem::value($what, 'must name a file, not a directory');
        }
        $absolute = Path::absolute($path);
        if ($absolute !== $path && strlen($absolute) >= PHP_MAXPATHLEN) {
            throw FileProblem::of($path, 'open', 'File name too long');
        }
        return $absolute;
    }

    private static function checkText(string $text, string $what): void
    {
        if ($text === '') {
            throw Problem::value($what, 'must not be empty');
        }
        if (preg_match('//u', $text) !== 1) {
            throw Problem::value($what, 'must be valid UTF-8');
        }
    }
}
