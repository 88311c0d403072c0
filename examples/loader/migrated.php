<?php
// The cache stays, since other machines use it, and becomes the loader of a token file: of all
// processes on this machine one goes to it, and the others get what that one got.

require_once __DIR__ . '/SharedCache.php';

class AccessToken
{
    public function __construct(private SharedCache $cache, private string $file)
    {
    }

    public function get(): string
    {
        return wx_get_token($this->file, fn () => $this->load(null));
    }

    /** For a token that WeChat rejected. */
    public function renew(string $rejected): string
    {
        return wx_refresh_token($this->file, $rejected, fn () => $this->load($rejected));
    }

    private function load(?string $rejected): array
    {
        $row = $this->cache->get('wx_access_token');
        // One that ends within five minutes would be due at once.
        if ($row && $row['value'] !== $rejected && $row['expires'] >= time() + 300) {
            // Not its full life: it may have been in the cache for an hour.
            return ['access_token' => $row['value'], 'expire' => $row['expires']];
        }
        $answer = $this->fetch($rejected !== null);
        if (isset($answer['access_token'])) {
            $this->cache->set('wx_access_token', $answer['access_token'], $answer['expires_in']);
        }
        return $answer;    // with an errcode: an ApiException
    }

    /** From the stable endpoint: two machines that ask at once get the same token. */
    private function fetch(bool $force): array
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        return json_decode(file_get_contents("$base/cgi-bin/stable_token", false, stream_context_create(['http' => [
            'method' => 'POST',
            'header' => 'Content-Type: application/json',
            'content' => json_encode([
                'grant_type' => 'client_credential',
                'appid' => getenv('WX_APPID'),
                'secret' => getenv('WX_SECRET'),
                'force_refresh' => $force,
            ]),
        ]])), true);
    }
}
