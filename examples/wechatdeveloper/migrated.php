<?php
// WeChatDeveloper stays as it is: its cache hooks get tokens and tickets from the extension. Copy this class to your
// project, and install it once, before the first call of the library:
//
//     (new WxTokenCache('/var/www/data', ['wx…' => 'AppSecret']))->install();

use WeChat\Contracts\BasicWeChat;
use WeChat\Contracts\Tools;

final class WxTokenCache
{
    /** What each object of the library has: the token that it got last, the token that WeChat rejected. */
    private WeakMap $lent;
    private WeakMap $rejected;

    /** @param array $accounts appid → AppSecret */
    public function __construct(private string $directory, private array $accounts)
    {
        $this->lent = new WeakMap();
        $this->rejected = new WeakMap();
    }

    public function install(): void
    {
        Tools::$cache_callable = [
            'get' => $this->get(...),
            'set' => $this->set(...),
            'del' => $this->del(...),
        ] + Tools::$cache_callable;
    }

    // If get() caught an exception and returned null, the library would fetch a token of its own.
    private function get($name)
    {
        [$account, $ticket] = $this->entry($name);
        if (!$account) {
            return $this->getOther($name);
        }
        if ($ticket) {
            $tokenFile = "$this->directory/$account[appid]_access_token";
            return wx_get_ticket("$this->directory/$name", $tokenFile, $ticket, $account);
        }
        $client = $this->client();
        $rejected = $this->rejected[$client] ?? null;
        $this->lent[$client] = $rejected === null
            ? wx_get_token("$this->directory/$name", $account)
            : wx_refresh_token("$this->directory/$name", $rejected, $account);
        unset($this->rejected[$client]);
        return $this->lent[$client];
    }

    private function set($name, $value, $expired = 3600): void
    {
        if (!$this->entry($name)[0]) {
            $entry = ['name' => $name, 'value' => $value, 'expired' => $expired ? time() + $expired : 0];
            file_put_contents("$this->directory/$name", serialize($entry), LOCK_EX);
        }
    }

    private function del($name): bool
    {
        [$account, $ticket] = $this->entry($name);
        if (!$account || $ticket) {
            return @unlink("$this->directory/$name");
        }
        // The file stays: it may have a newer token already.
        $client = $this->client();
        $this->rejected[$client] = $this->lent[$client] ?? null;
        return true;
    }

    /** The object of the library that calls: each keeps a token of its own, and another one may be rejected. */
    private function client(): object
    {
        foreach (debug_backtrace(DEBUG_BACKTRACE_PROVIDE_OBJECT | DEBUG_BACKTRACE_IGNORE_ARGS, 8) as $frame) {
            if (($frame['object'] ?? null) instanceof BasicWeChat) {
                return $frame['object'];
            }
        }
        return $this;
    }

    /** The account options and the type of the ticket, null for a token; no account if $name is another entry. */
    private function entry(string $name): array
    {
        if (!preg_match('/^(.+?)_(?:access_token|ticket_(jsapi|wx_card))$/', $name, $match)
            || !isset($this->accounts[$match[1]])) {
            return [null, null];
        }
        $account = [
            'appid' => $match[1],
            'secret' => $this->accounts[$match[1]],
            'layout' => 'serialize',    // of a new file
        ];
        return [$account, $match[2] ?? null];
    }

    /** The library caches other things, too. They stay files. */
    private function getOther(string $name)
    {
        $entry = @unserialize((string) @file_get_contents("$this->directory/$name"));
        $valid = isset($entry['expired']) && ($entry['expired'] === 0 || $entry['expired'] >= time());
        return $valid ? $entry['value'] : null;
    }
}
