<?php
// zoujingli/wechat-php-sdk stays as it is: its cache hooks get tokens and tickets from the extension. Copy this class
// to your project, and install it once, before the first Loader::get(). The directory is the library's `cachepath`:
//
//     (new WechatSdkCache('/var/www/data', ['wx…' => 'AppSecret']))->install();

use Wechat\Lib\Common;
use Wechat\Loader;

final class WechatSdkCache
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
        $client = $this->client();
        $rejected = $this->rejected[$client] ?? null;
        $this->lent[$client] = $rejected === null
            ? wx_get_token("$this->directory/$name", $account)
            : wx_refresh_token("$this->directory/$name", $rejected, $account);
        unset($this->rejected[$client]);
        return $this->lent[$client];
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
        // The file stays: it may have a newer token already.
        $client = $this->client();
        $this->rejected[$client] = $this->lent[$client] ?? null;
        return true;
    }

    /** The object of the library that calls: each keeps a token of its own, and another one may be rejected. */
    private function client(): object
    {
        foreach (debug_backtrace(DEBUG_BACKTRACE_PROVIDE_OBJECT | DEBUG_BACKTRACE_IGNORE_ARGS, 8) as $frame) {
            if (($frame['object'] ?? null) instanceof Common) {
                return $frame['object'];
            }
        }
        return $this;
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
