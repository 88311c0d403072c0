<?php

use Doctrine\Common\Cache\Cache;

/**
 * A Doctrine cache for thenbsp/wechat. It gets tokens and tickets from the extension, and everything else from the
 * cache that the project had before:
 *
 *     $accessToken->setCache(new WxTokenCache($cache, '/var/www/data', ['wx…' => 'AppSecret']));
 */
final class WxTokenCache implements Cache
{
    /** The token that was returned last, by its id. */
    private array $lent = [];

    /** Tokens that WeChat rejected, by their ids: clearFromCache() deletes the entry of such a token. */
    private array $rejected = [];

    /** @param array $accounts appid → AppSecret */
    public function __construct(private Cache $others, private string $directory, private array $accounts)
    {
    }

    // If fetch() caught an exception and returned false, the library would fetch a token of its own.
    public function fetch($id)
    {
        [$account, $kind] = $this->entry($id);
        if (!$account) {
            return $this->others->fetch($id);
        }
        $tokenFile = "$this->directory/$account[appid]_access_token.json";
        if ($kind === 'jsapi_ticket') {
            return ['ticket' => wx_get_ticket("$this->directory/$id.json", $tokenFile, 'jsapi', $account)];
        }
        $this->lent[$id] = isset($this->rejected[$id])
            ? wx_refresh_token($tokenFile, $this->rejected[$id], $account)
            : wx_get_token($tokenFile, $account);
        unset($this->rejected[$id]);
        return ['access_token' => $this->lent[$id]];
    }

    public function contains($id)
    {
        return $this->entry($id)[0] ? true : $this->others->contains($id);
    }

    public function save($id, $data, $lifeTime = 0)
    {
        return $this->entry($id)[0] ? true : $this->others->save($id, $data, $lifeTime);
    }

    public function delete($id)
    {
        [$account, $kind] = $this->entry($id);
        if (!$account) {
            return $this->others->delete($id);
        }
        if ($kind === 'jsapi_ticket') {
            return @unlink("$this->directory/$id.json");
        }
        // The file stays: other processes may have put a newer token into it.
        $this->rejected[$id] = $this->lent[$id] ?? null;
        return true;
    }

    public function getStats()
    {
        return $this->others->getStats();
    }

    /** The account options and the kind of the entry; no account if it is another entry. */
    private function entry(string $id): array
    {
        if (!preg_match('/^(.+)_(access_token|jsapi_ticket)$/', $id, $match) || !isset($this->accounts[$match[1]])) {
            return [null, null];
        }
        return [['appid' => $match[1], 'secret' => $this->accounts[$match[1]]], $match[2]];
    }
}
