<?php
// zoujingli/wechat-php-sdk stays as it is: its cache hooks get tokens and tickets from the extension. Copy this class
// to your project, and install it once, before the first Loader::get(). The directory is the library's `cachepath`:
//
//     (new WechatSdkCache('/var/www/data', ['wx…' => 'AppSecret']))->install();

use Wechat\Loader;

final class WechatSdkCache
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
        Loader::register('CacheGet', $this->get(...));
        Loader::register('CacheSet', $this->set(...));
        Loader::register('CacheDel', $this->del(...));
    }

    // If get() caught an exception and returned null, the library would fetch a token of its own.
    private function get($name)
    {
        [$account, $ticket] = $this->entry($name);
        if (!$account) {
            return $this->getOther($name);
        }
        if ($ticket) {
            $tokenFile = "$this->directory/wechat_access_token_$account[appid]";
            return wx_get_ticket("$this->directory/$name", $tokenFile, $ticket, $account);
        }
        $rejected = $this->rejected[$name] ?? null;
        $token = $rejected === null
            ? wx_get_token("$this->directory/$name", $account)
            : wx_refresh_token("$this->directory/$name", $rejected, $account);
        unset($this->rejected[$name]);
        return $this->lent[$name] = $token;
    }

    private function set($name, $value, $expired = 0): bool
    {
        if ($this->entry($name)[0]) {
            return true;
        }
        $data = ['value' => $value, 'expired' => $expired > 0 ? time() + $expired : 0];
        return (bool) file_put_contents("$this->directory/$name", serialize($data), LOCK_EX);
    }

    private function del($name): bool
    {
        if (isset($this->accounts[$name])) {
            $name = "wechat_jsapi_ticket_$name";    // resetJsTicket() passes the AppID alone
        }
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
        if (!preg_match('/^wechat_(access_token|jsapi_ticket_wxcard|jsapi_ticket)_(.+)$/', $name, $match)
            || !isset($this->accounts[$match[2]])) {
            return [null, null];
        }
        $account = [
            'appid' => $match[2],
            'secret' => $this->accounts[$match[2]],
            'layout' => 'serialize',    // of a new file
        ];
        return [$account, ['jsapi_ticket' => 'jsapi', 'jsapi_ticket_wxcard' => 'wx_card'][$match[1]] ?? null];
    }

    /** The library caches other things, too, such as component_verify_ticket. They stay files. */
    private function getOther(string $name)
    {
        $data = @unserialize((string) @file_get_contents("$this->directory/$name"));
        return isset($data['expired']) && ($data['expired'] > time() || $data['expired'] === 0) ? $data['value'] : null;
    }
}
