<?php
// WeChatDeveloper stays as it is: its cache hooks (in the real library, those of
// \WeChat\Contracts\Tools) take the token from the extension. Load this behind the library.

final class WxTokenCache
{
    /** The token that was handed out last, under the name of its file. */
    private array $lent = [];

    /** Tokens that WeChat refused: the library deletes the cache entry of such a one. */
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

    private function get($name)
    {
        $account = $this->accountOf($name);
        if (!$account) {
            return $this->getOther($name);
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
        if (!$this->accountOf($name)) {
            $entry = ['name' => $name, 'value' => $value, 'expired' => $expired ? time() + $expired : 0];
            file_put_contents("$this->directory/$name", serialize($entry), LOCK_EX);
        }
    }

    private function del($name): bool
    {
        if (!$this->accountOf($name)) {
            return @unlink("$this->directory/$name");
        }
        // The file stays: other processes may have put a newer token into it.
        $this->rejected[$name] = $this->lent[$name] ?? null;
        return true;
    }

    /** Account options, if $name is that of an account's token file. */
    private function accountOf(string $name): ?array
    {
        $appid = basename($name, '_access_token');
        if ($appid === $name || !isset($this->accounts[$appid])) {
            return null;
        }
        return [
            'appid' => $appid,
            'secret' => $this->accounts[$appid],
            'endpoint' => 'stable',    // what legacy callers fetch leaves this token alone
            'layout' => 'serialize',    // for a file that is not there yet
        ];
    }

    /** The library caches other things, too. They stay files. */
    private function getOther(string $name)
    {
        $entry = @unserialize((string) @file_get_contents("$this->directory/$name"));
        $valid = isset($entry['expired']) && ($entry['expired'] === 0 || $entry['expired'] >= time());
        return $valid ? $entry['value'] : null;
    }
}
