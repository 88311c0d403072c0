<?php
// WeChatDeveloper stays as it is: its cache hooks get tokens and tickets from the extension. Copy this class to your
// project, and install it once, before the first call of the library:
//
//     (new WxTokenCache('/var/www/data', ['wx…' => 'AppSecret']))->install();

use WeChat\Contracts\Tools;

final class WxTokenCache
{
    /** The token that was returned last, under the name of its file. */
    private array $lent = [];

    /** Tokens that WeChat rejected: the library deletes the cache entry of such a token. */
    private array $rejected = [];

    /** @param array $accounts appid → AppSecret */
    public function __construct(private string $directory, private array $accounts)
    {
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
            return wx_get_ticket("$this->directory/$name", "$this->directory/$account[appid]_access_token", $ticket, $account);
        }
        $rejected = $this->rejected[$name] ?? null;
        $token = $rejected === null
            ? wx_get_token("$this->directory/$name", $account)
            : wx_refresh_token("$this->directory/$name", $rejected, $account);
        unset($this->rejected[$name]);
        return $this->lent[$name] = $token;
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
        // The file stays: other processes may have put a newer token into it.
        $this->rejected[$name] = $this->lent[$name] ?? null;
        return true;
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
