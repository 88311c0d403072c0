<?php
// A service of a Laravel project. Cache::remember() has no lock: at an expiry each process runs the callable.

use Illuminate\Support\Facades\Cache;

class WechatService
{
    public function accessToken(): string
    {
        return Cache::remember('wx_access_token', 7000, function () {
            $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
            $answer = json_decode(file_get_contents($base . '/cgi-bin/token?' . http_build_query([
                'grant_type' => 'client_credential',
                'appid' => getenv('WX_APPID'),
                'secret' => getenv('WX_SECRET'),
            ])), true);
            return $answer['access_token'];
        });
    }

    public function call(string $path): array
    {
        $answer = $this->ask($path, $this->accessToken());
        if (in_array($answer['errcode'] ?? 0, [40001, 40014, 42001], true)) {
            Cache::forget('wx_access_token');
            $answer = $this->ask($path, $this->accessToken());
        }
        return $answer;
    }

    private function ask(string $path, string $token): array
    {
        $base = getenv('WX_API_BASE') ?: 'https://api.weixin.qq.com';
        return json_decode(file_get_contents("$base/$path?access_token=$token"), true);
    }
}
