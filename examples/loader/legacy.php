<?php
// A hand-written cache: whoever finds no token in it fetches one. When it runs out, all do.

require_once __DIR__ . '/SharedCache.php';

class AccessToken
{
    public function __construct(private SharedCache $cache)
    {
    }

    public function get(): string
    {
        $row = $this->cache->get('wx_access_token');
        return $row ? $row['value'] : $this->fetch();
    }

    /** For a token that WeChat rejected. */
    public function renew(string $rejected): string
    {
        return $this->fetch();
    }

    private function fetch(): string
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        $answer = json_decode(file_get_contents($base . '/cgi-bin/token?' . http_build_query([
            'grant_type' => 'client_credential',
            'appid' => getenv('WX_APPID'),
            'secret' => getenv('WX_SECRET'),
        ])), true);
        $this->cache->set('wx_access_token', $answer['access_token'], 7000);
        return $answer['access_token'];
    }
}
